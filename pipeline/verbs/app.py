"""Shows a model in the browser: the newest pushed one, or one that is named."""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from components.demo import find_app
from components.flags import with_settings
from pipeline.places import ModelSettings
from pipeline.recipes import load_recipe
from pipeline.terminal import fail, tell
from tfrecords.photos import write_photos


@with_settings(ModelSettings)
def app(
    settings: ModelSettings,
    *,
    model: Annotated[
        str | None,
        typer.Option(
            metavar="PATH|RUN|TAG",
            help="A SavedModel or a folder of versions, the id of a run, refused or not, or a tag "
            "of HF_REPO_ID. Default: the newest model in SERVING_DIR.",
        ),
    ] = None,
    port: Annotated[
        int | None,
        typer.Option(
            min=1, max=65535, help="Default: GRADIO_SERVER_PORT, or the first free one from 7860."
        ),
    ] = None,
) -> int:
    """Becomes the demo app; returns 2 when there is no such model.

    Its examples are photos that validated, where the data are on this machine.
    """
    try:
        task, folder = _find(model, settings) if model else _find_newest(settings)
    except ValueError as error:
        return fail(str(error), 2)
    # The app knows nothing of this repository, just as on the Hub.
    command = [sys.executable, str(find_app(task) / "app.py"), "--model", str(folder)]
    examples = Path(settings.pipeline_root) / "app-examples"
    if write_photos(settings.data_root, examples):
        command += ["--examples", str(examples)]
    if port is not None:
        command += ["--port", str(port)]
    os.execv(sys.executable, command)


def _find_newest(settings: ModelSettings) -> tuple[str, Path]:
    """Return the recipe's task, and the newest pushed model."""
    pushed = Path(settings.serving_dir)
    versions = [path.parent for path in pushed.glob("*/saved_model.pb")]
    numbers = [int(version.name) for version in versions if version.name.isdecimal()]
    if not numbers:
        raise ValueError(
            f"No model was pushed to {pushed} yet: run the pipeline first, as `make demo` does, or "
            "name a model with --model."
        )
    return load_recipe(settings.recipe).task, pushed / str(max(numbers))


def _find(model: str, settings: ModelSettings) -> tuple[str, Path]:
    """Return the task and the folder of the model that is named."""
    from pipeline.inference.model import find_newest, read_task
    from pipeline.inference.named import find_named

    named = find_named(model, settings)
    folder = find_newest(named.folder)
    task = read_task(folder)
    tell(" ".join(filter(None, (f"This is the model of {named.title}.", named.notice))))
    return task, folder
