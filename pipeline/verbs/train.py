"""Trains, judges and pushes a model on this machine."""

import contextlib
import dataclasses
import sys
from collections.abc import Mapping
from typing import Annotated, Any

import typer

from components.flags import with_settings
from components.settings import SettingsError
from pipeline.configs import Settings
from pipeline.data_version import with_data
from pipeline.own_data.given import OwnData
from pipeline.terminal import fail, print_json
from pipeline.verbs.options import REFUSED, AsJson, FailOnRefused, Summary
from tfrecords.command_line import path_option

# As the command lines of many training scripts spell them.
_ALIASES = {
    "data_version": "--dataset-version",
    "model": "--model-type",
    "optimizer": "--optimizer-type",
}


Folders = Annotated[
    str | None,
    path_option(
        "Your own images, in a folder for each class, or an archive of such.", "DIR|TAR|ZIP"
    ),
]
Images = Annotated[str | None, path_option("Your own photos, with --masks.")]
Masks = Annotated[str | None, path_option("Their masks, .png of the same names.")]
Classes = Annotated[
    str | None,
    path_option("Of the masks: names by value, or a table. Default: found.", "NAMES|CSV"),
]
Name = Annotated[
    str | None, typer.Option(metavar="NAME", help="Of your data. Default: the folder's.")
]


def _prepare(given: Mapping[str, Any]) -> Mapping[str, Any]:
    """Make the recipe of one's own images, if there are any, which the settings are of."""
    data = OwnData(*(given[field.name] for field in dataclasses.fields(OwnData)))
    if not data:
        return {}
    if "recipe" in given:
        raise SettingsError("--recipe and images of your own do not go together: leave out either.")
    from rich.console import Console

    from pipeline.own_data.prepare import prepare

    try:
        return {"recipe": str(prepare(data, Console(stderr=given["as_json"])))}
    except ValueError as error:
        raise SettingsError(str(error)) from None


@with_settings(Settings, _ALIASES, _prepare)
def train(
    settings: Settings,
    *,
    folders: Folders = None,
    images: Images = None,
    masks: Masks = None,
    classes: Classes = None,
    name: Name = None,
    summary: Summary = None,
    fail_on_refused: FailOnRefused = False,
    as_json: AsJson = False,
) -> int:
    """Do what `python local_runner.py` does, on your own images where some are named.

    Returns:
        0; 1 when a step failed, 2 for what the user can mend before a run, 3 when the gate refused
        and that was to be told so, 130 when interrupted.
    """
    import local_runner  # which the container image has not

    try:
        if folders or images:
            _check_places(settings)
        settings = with_data(settings)
        graph = local_runner.bind(settings)
    except ValueError as error:
        return fail(str(error), 2)

    from pipeline.local import LocalRunner
    from pipeline.results.document import document
    from pipeline.runs import history, store

    with contextlib.redirect_stdout(sys.stderr) if as_json else contextlib.nullcontext():
        LocalRunner(settings, by_verb=True).run(graph)
    run = history.load_run(store.metadata_path(settings))
    if summary:
        from pipeline.results.page import page
        from pipeline.verbs.summary import append

        append(summary, lambda room: page(run, room))
    if as_json:
        print_json(document(run))
    return REFUSED if fail_on_refused and not run.blessed else 0


def _check_places(settings: Settings) -> None:
    """One's own images have a place of their own, which no setting may stand against.

    Raises:
        SettingsError: one does.
    """
    for name in ("data_root", "data_version"):
        if name in settings.model_fields_set:
            raise SettingsError(
                f"{name.upper()} and images of your own do not go together: unset it, in the "
                "environment and in .env."
            )
