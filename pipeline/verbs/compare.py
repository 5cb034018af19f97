"""Compares two runs: figures with intervals of their differences, settings and data."""

from typing import TYPE_CHECKING, Annotated

import typer

from components.flags import with_settings
from pipeline.configs import Settings
from pipeline.terminal import fail, print_json
from pipeline.verbs.options import AsJson

if TYPE_CHECKING:
    from rich.table import Table

    from pipeline.results.compare import Compared, Difference

_STYLES = {"better": "green", "worse": "red"}


@with_settings(Settings)
def compare(
    settings: Settings,
    first: Annotated[
        str, typer.Argument(metavar="RUN", help="Id of a run, or the beginning of it.")
    ],
    second: Annotated[str, typer.Argument(metavar="RUN", help="Of the run to compare with it.")],
    *,
    as_json: AsJson = False,
) -> int:
    """Print what the second run is beside the first; return 0, or 2 where they do not compare."""
    import tensorflow as tf
    from rich.console import Console
    from rich.progress import Progress

    from pipeline.lineage.known import named_run
    from pipeline.results.compare import compare, count_images
    from pipeline.runs import history, store

    tf.get_logger().setLevel("ERROR")  # TFMA reads its files in a way that TensorFlow deprecates
    try:
        metadata = store.metadata_path(settings)
        names = [named_run(text, metadata) for text in (first, second)]
        runs = [history.load_run(metadata, name) for name in names]
        with Progress(console=Console(stderr=True), transient=True) as bar:
            task = bar.add_task("Asking both models", total=count_images(runs))
            found = compare(runs[0], runs[1], lambda: bar.advance(task))
    except ValueError as error:
        return fail(str(error), 2)
    if as_json:
        print_json(_document(names, found))
        return 0
    console = Console()
    console.print(_figures(names, found))
    if found.unpaired:
        console.print(found.unpaired, markup=False, highlight=False)
    console.print(_others(found))
    return 0


def _document(names: list[str], found: "Compared") -> dict[str, object]:
    return {
        "runs": names,
        "figures": {
            key: {
                "values": [one.first, one.second],
                "difference": one.difference,
                "interval": one.interval,
                "verdict": one.verdict or None,
            }
            for key, one in found.figures.items()
        },
        "unpaired": found.unpaired,
        "settings": found.settings,
        "data": found.data,
    }


def _figures(names: list[str], found: "Compared") -> "Table":
    from rich.table import Table
    from rich.text import Text

    title = f"first: run {names[0]}, second: run {names[1]}"
    heads = ("", "first", "second", "difference", "95 % interval", "the second is")
    table = Table(*heads, title=title)
    for one in found.figures.values():
        table.add_row(
            Text(one.title),
            f"{one.first:.3f}",
            f"{one.second:.3f}",
            f"{one.difference:+.3f}",
            _interval(one),
            Text(one.verdict, _STYLES.get(one.verdict, "")),
        )
    return table


def _interval(one: "Difference") -> str:
    if one.interval is None:
        return ""
    low, high = one.interval
    return f"{low:+.3f} to {high:+.3f}"


def _others(found: "Compared") -> "Table":
    """Return settings that differ, and the data."""
    from rich.table import Table
    from rich.text import Text

    table = Table("", "first", "second")
    for title, values in (("setting", found.settings), ("data", found.data)):
        for name, pair in values.items():
            table.add_row(f"{title} {name}", *(Text("none" if v is None else str(v)) for v in pair))
    return table
