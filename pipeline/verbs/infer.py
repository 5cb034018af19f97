"""Runs a recorded model on images, and scores it where there are true labels."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from components.data_stores import StoresConfig
from components.flags import with_settings
from pipeline.terminal import fail, print_json, tell
from pipeline.tracked import RunsSettings
from pipeline.verbs.options import AsJson, RunId

if TYPE_CHECKING:
    from pipeline.inference.choice import Chosen
    from pipeline.inference.data import Files, Labelled
    from pipeline.inference.model import ExportedModel
    from pipeline.inference.run import Outcome
    from tracking.client import Connection

_SHOWN = 5  # images that could not be used, in the terminal


class _Settings(RunsSettings, StoresConfig):
    """Where runs are, and models and data."""

    model_config = RunsSettings.model_config


@with_settings(_Settings)
def infer(
    settings: _Settings,
    files: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[FILES]...",
            show_default=False,
            help="Images, folders or patterns of them, or a folder of shards. Default: what the "
            "run was validated on.",
        ),
    ] = None,
    *,
    run: RunId = None,
    model: Annotated[
        str | None, typer.Option(metavar="NAME@ALIAS", help="Which registered model.")
    ] = None,
    interactive: Annotated[
        bool, typer.Option("--interactive", help="Choose the run from a list.")
    ] = False,
    data: Annotated[
        str | None,
        typer.Option(metavar="VERSION", help="Labelled data: lakefs://… or s3://…"),
    ] = None,
    output: Annotated[
        Path, typer.Option(metavar="FOLDER", help="Where results go; older ones are replaced.")
    ] = Path("results"),
    as_json: AsJson = False,
) -> int:
    """Write masks or labels, overlays and score.json.

    The model is by default the newest registered one of the recipe, or else its newest blessed one.

    Returns:
        0 when there are results, though some images may have none; 2 when there are none;
        130 when interrupted.
    """
    if sum(map(bool, (run, model, interactive))) > 1:
        return fail("--run, --model and --interactive each choose the model: give one of them.", 2)
    if files and data:
        return fail("--data and FILES both say what to run on: give one of them.", 2)

    from tracking.client import Connection

    try:
        from pipeline.inference.results import check_output

        check_output(output)
        server = Connection(settings)
        chosen = _choose(server, settings, run, model, interactive)
        return _infer(server, settings, chosen, data, files or [], output, as_json)
    except ValueError as error:
        return fail(str(error), 2)
    except KeyboardInterrupt:
        return fail("Stopped; no results were written.", 130)


def _choose(
    server: "Connection", settings: _Settings, run: str | None, model: str | None, interactive: bool
) -> "Chosen":
    from pipeline.inference.choice import choose, of_run
    from pipeline.tracked import choose_run
    from tracking import names
    from tracking.errors import TrackingError

    recipe = settings.recipe_name()
    if interactive:
        return of_run(choose_run(server, recipe, "--interactive"))
    chosen = choose(server, recipe, run, model)
    recorded = chosen.run.tag(names.RECIPE)
    if "recipe" in settings.model_fields_set and recorded != recipe:
        raise TrackingError(
            f"{chosen.title} is of recipe {recorded}, task {chosen.run.tag(names.TASK)}, and "
            f"RECIPE={settings.recipe} asks for another: leave it out, or choose another run."
        )
    return chosen


def _infer(
    server: "Connection",
    settings: _Settings,
    chosen: "Chosen",
    version: str | None,
    files: list[str],
    output: Path,
    as_json: bool,
) -> int:
    from pipeline.inference.asking import ask_all
    from pipeline.inference.data import find_data
    from pipeline.inference.model import ExportedModel, fetch_model
    from pipeline.inference.results import put_whole
    from pipeline.tracked import read_recipe
    from tracking import names
    from tracking.errors import TrackingError

    recipe = read_recipe(server, chosen.run)
    model = ExportedModel(fetch_model(settings, chosen))
    if (model.config.task, model.config.class_names) != (recipe.task, recipe.class_names):
        raise TrackingError(
            f"{chosen.uri} is a model of {model.config.task} of the classes "
            f"{', '.join(model.config.class_names)}, and {chosen.title} recorded {recipe.task} of "
            f"{', '.join(recipe.class_names)}: its MODEL_URI is wrong; choose another run."
        )
    data = find_data(settings, recipe, version or chosen.run.tag(names.DATA_VERSION), files)
    with put_whole(output) as results:
        outcome = ask_all(model, data, recipe.classes, results)
        scores = _scores(chosen, model, data, outcome)
        results.finish(scores)
    if as_json:
        print_json({"output": str(output), **scores})
        return 0
    _show(scores, model, output)
    return 0


def _scores(
    chosen: "Chosen", model: "ExportedModel", data: "Labelled | Files", outcome: "Outcome"
) -> dict[str, Any]:
    from tracking import names

    version, run = chosen.version, chosen.run
    return {
        "run": run.id,
        names.RUN_ID: run.tag(names.RUN_ID),
        "registered": {"model": version.model, "version": version.number} if version else None,
        names.MODEL_URI: chosen.uri,
        names.MODEL_DIGEST: run.tag(names.MODEL_DIGEST),
        "recipe": model.config.recipe,
        "task": model.config.task,
        "data": data.place,
        "figures": outcome.figures,
        "images": outcome.images,
        "failed": outcome.failed,
    }


def _show(scores: dict[str, Any], model: "ExportedModel", output: Path) -> None:
    from rich import box
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    table = Table(box=box.ROUNDED, show_header=False)
    registered, failed, figures = scores["registered"], scores["failed"], scores["figures"]
    if registered:
        table.add_row("model", escape(f"{registered['model']} {registered['version']}"))
    table.add_row("run", escape(scores["tfx_run_id"] or scores["run"]))
    table.add_row("data", escape(scores["data"]))
    table.add_row("images", str(len(scores["images"])))
    for key, one in model.task.key_figures(model.config.class_names).items():
        if figures.get(key) is not None:
            table.add_row(escape(one.row), f"{figures[key]:.3f}")
    if not figures:
        table.add_row("scores", "none: there are no true labels")
    if failed:
        table.add_row("without answer", str(len(failed)))
    table.add_row("results", escape(str(output)))
    Console().print(table)
    for name, reason in list(failed.items())[:_SHOWN]:
        tell(f"{name}: {reason}")
