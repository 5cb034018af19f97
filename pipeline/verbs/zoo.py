"""Trains each network that a recipe names for as long, and ranks them and their average."""

import contextlib
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from components.flags import with_settings
from models.registry import check_name, load_task
from pipeline.configs import Settings
from pipeline.terminal import fail, print_json, tell
from pipeline.verbs.options import AsJson

if TYPE_CHECKING:
    from pipeline.zoo.compared import Compared

_SECONDS = 300


@with_settings(Settings)
def zoo(
    settings: Settings,
    *,
    seconds: Annotated[
        int | None,
        typer.Option(min=1, help=f"Processor seconds of each training. Default: {_SECONDS}."),
    ] = None,
    steps: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Steps of each in the place of seconds, up to whole epochs: the same again, by "
            "the recipe's seed, comes to the same.",
        ),
    ] = None,
    metric: Annotated[
        str | None,
        typer.Option(
            metavar="METRIC",
            help="What they are ranked by, such as auroc. Default: the task's primary metric.",
        ),
    ] = None,
    as_json: AsJson = False,
) -> int:
    """Train on the images of the recipe's newest run, and judge on its validation split.

    Returns:
        0; 1 when no training came to an end, 2 for what the user can mend, 130 when interrupted.
    """
    if seconds and steps:
        return fail("Name either --seconds or --steps: both say how long a training is.", 2)
    try:
        recipe = settings.load_recipe()
        task = load_task(recipe.task)
        measured = task.measured(recipe.class_names)
        key = metric or task.primary
        check_name("METRIC", key, list(measured))

        import filelock

        from pipeline.runs import history, store
        from pipeline.zoo import networks

        run = history.load_run(store.metadata_path(settings))
        networks.check_run(run, recipe)
        num_train = run.num_examples()["train"]
        configs = networks.list_configs(recipe, num_train, seconds or _SECONDS, steps)
    except ValueError as error:
        return fail(str(error), 2)
    from pipeline.zoo.comparison import Comparison

    comparison = Comparison(settings, run, key, tell)
    try:
        with contextlib.redirect_stdout(sys.stderr):
            compared = comparison.compare(configs)
    except filelock.Timeout:
        root = settings.pipeline_root
        return fail(f"A run is using PIPELINE_ROOT={root}; wait for it, or set another.", 2)
    except KeyboardInterrupt:
        return fail("Stopped; the networks are not compared.", 130)
    if as_json:
        from dataclasses import asdict

        networks_told = [asdict(one) for one in compared]
        print_json({"metric": key, "networks": networks_told, "average": comparison.average})
    else:
        _show(compared, measured[key].title)
    if comparison.average:
        tell(f"The average is one model: {comparison.average}")
    if all(one.failure for one in compared):
        return fail("No training came to an end, so there is nothing to compare.", 1)
    return 0


def _show(compared: "list[Compared]", title: str) -> None:
    from rich.console import Console, JustifyMethod
    from rich.markup import escape
    from rich.table import Table

    table = Table(title=f"{title} with its 95 % interval, on the validation split")
    for column in ("network", title, "steps", "training", "parameters", "size", "latency"):
        justify: JustifyMethod = "left" if column == "network" else "right"
        table.add_column(column, justify=justify, overflow="fold")
    for one in compared:
        if one.failure:
            table.add_row(escape(one.name), escape(one.failure))
            continue
        table.add_row(
            escape(one.name),
            f"{one.value:.3f} ({one.low:.3f} to {one.high:.3f})",
            str(one.steps),
            f"{one.processor_seconds:.0f} s",
            f"{one.parameters:,}",
            f"{one.megabytes:.1f} MB",
            f"{one.milliseconds:.1f} ms",
        )
    Console().print(table)
