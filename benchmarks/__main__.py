"""Runs benchmarks, prints a table of each and writes `benchmarks/results.json`.

    python -m benchmarks [NAME ...] [--rounds N] [--images FOLDER --trimaps FOLDER]
        [--labelled FILE]

Without names all run. What was measured is written down after each benchmark, beside the figures of
those that did not run; `machine.json` tells of each on what machine it ran, and when.
"""

import datetime
import difflib
import importlib
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

import typer

# Before TensorFlow is imported: its notices about the machine are nothing to act on.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

from benchmarks import machine, report
from tfrecords import command_line
from tfrecords.command_line import add_command, make_app
from tfrecords.terminal import prepare

FOLDER = Path(__file__).parent
# In the order in which they run: what takes longest comes last.
NAMES = (
    "tfrecords",
    "input",
    "trainer",
    "evaluator",
    "serving",
    "edge",
    "stores",
    "tracking",
    "start",
    "classifier",
    "monitor",
    "pipeline",
    "growth",
)


app = make_app("")


@add_command(app, what=__doc__)
def bench(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="NAME", help=f"Of {', '.join(NAMES)}.")
    ] = None,
    rounds: Annotated[int, typer.Option(min=1, help="Measurements each.")] = 3,
    images: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Folder of photos. Default: drawn ones.")
    ] = None,
    trimaps: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Folder of the photos' trimaps.")
    ] = None,
    labelled: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="An .npz of x_train, y_train, x_test, y_test: images, class ids."
        ),
    ] = None,
    output: Annotated[Path, typer.Option(metavar="DIR", help="Folder of results.json.")] = FOLDER,
) -> int:
    """Run what is named; return 0."""
    if (images is None) != (trimaps is None):
        raise typer.BadParameter("--images and --trimaps go together")
    for name in names or ():
        if name not in NAMES:
            [near] = difflib.get_close_matches(name, NAMES, n=1, cutoff=0.0)
            raise typer.BadParameter(f"there is no benchmark {name}; did you mean {near}?")
    photos: list[Path | None] = [images, trimaps] if images and trimaps else []
    of_file: list[Path | None] = [labelled]
    data = {"tfrecords": photos, "classifier": of_file, "monitor": of_file}
    run(names or NAMES, rounds, output, data)
    return 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return its exit code."""
    return command_line.run(app, "python -m benchmarks", arguments)


def run(
    names: Sequence[str],
    rounds: int,
    output: Path,
    data: Mapping[str, Sequence[Path | None]] | None = None,
) -> None:
    """Run benchmarks and write each one's figures as soon as they are there.

    Args:
        names: which ones.
        rounds: how often each measures.
        output: folder of `results.json` and `machine.json`, and of what single benchmarks write.
        data: what single benchmarks read, by their names, if not what they draw: `tfrecords` the
            folders of photos and of trimaps, `classifier` and `monitor` a file.
    """
    given = {**(data or {}), "pipeline": [output], "growth": [output]}
    results, machines = output / "results.json", output / "machine.json"
    measured: list[report.Figure] = []
    for name in names:
        benchmark = importlib.import_module(f"benchmarks.bench_{name}")
        figures = benchmark.run(rounds, *given.get(name, ()))
        today = machine.Facts(date=datetime.date.today().isoformat(), machine=machine.description())
        measured += figures
        report.write(report.merge(report.read(results) or [], figures), results)
        report.write({**(report.read(machines) or {}), name: today}, machines)
        report.print_table(figures, f"{today['machine']}, {today['date']}")
    if set(names) == set(NAMES):
        report.write(measured, results)  # without what was once measured under other names
    print(f"Written to {results}")


if __name__ == "__main__":
    prepare()
    sys.exit(main())
