"""Trains each network that a recipe names for as many steps, and ranks them in a table."""

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
    from pipeline.zoo import Compared


@with_settings(Settings)
def zoo(
    settings: Settings,
    *,
    steps: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Steps of each, up to whole epochs. Default: those of the recipe's epochs.",
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
    """Trains on the images of the recipe's newest run, and judges on its validation split.

    Returns:
        0; 1 when no training came to an end, 2 for what the user can mend, 130 when interrupted.
    """
    try:
        recipe = settings.load_recipe()
        task = load_task(recipe.task)
        measured = task.measured(recipe.class_names)
        key = metric or task.primary
        check_name("METRIC", key, list(measured))

        from pipeline import zoo
        from pipeline.runs import history, store

        run = history.load_run(store.metadata_path(settings))
        zoo.check_run(run, recipe)
        configs = zoo.list_configs(recipe, run.num_examples()["train"], steps)
    except ValueError as error:
        return fail(str(error), 2)
    try:
        with contextlib.redirect_stdout(sys.stderr):
            compared = zoo.compare(run, configs, key, tell)
    except KeyboardInterrupt:
        return fail("Stopped; the networks are not compared.", 130)
    if not compared:
        return fail("No training came to an end, so there is nothing to compare.", 1)
    if as_json:
        from dataclasses import asdict

        print_json({"metric": key, "networks": [asdict(one) for one in compared]})
    else:
        _show(compared, measured[key].title)
    return 0


def _show(compared: "list[Compared]", title: str) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(title=f"{title} with its 95 % interval, on the validation split")
    for column in ("network", title, "steps", "training", "parameters", "size", "latency"):
        table.add_column(column, justify="left" if column == "network" else "right")
    for one in compared:
        table.add_row(
            one.name,
            f"{one.value:.3f} ({one.low:.3f} to {one.high:.3f})",
            str(one.steps),
            f"{one.processor_seconds:.0f} s",
            f"{one.parameters:,}",
            f"{one.megabytes:.1f} MB",
            f"{one.milliseconds:.1f} ms",
        )
    Console().print(table)
