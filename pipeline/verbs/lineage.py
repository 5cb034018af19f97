"""Tells which data, code and run made a model."""

import dataclasses
from typing import TYPE_CHECKING, Annotated

import typer

from components.flags import with_settings
from pipeline.configs import Settings
from pipeline.terminal import fail, print_json
from pipeline.verbs.options import AsJson, Engine

if TYPE_CHECKING:
    from pipeline.lineage.chain import Lineage


@with_settings(Settings)
def lineage(
    settings: Settings,
    name: Annotated[
        str,
        typer.Argument(
            metavar="MODEL|TAG|RUN",
            help="Folder or version of a SavedModel, tag or commit of the Hub, or id of a run.",
        ),
    ],
    *,
    engine: Engine = "local",
    as_json: AsJson = False,
) -> int:
    """Print the chain; return 0, or 2 when it cannot be found or read."""
    trace = _on_vertex if engine == "vertex" else _on_this_machine
    try:
        found = trace(name, settings)
    except ValueError as error:
        return fail(str(error), 2)
    from pipeline.lineage.data_log import read_data_log

    data_log = read_data_log(settings, found.examples.get("data_version", ""))
    found = dataclasses.replace(found, data_log=data_log)
    if as_json:
        print_json(dataclasses.asdict(found))
        return 0

    from rich.console import Console

    from pipeline.lineage.table import table

    Console().print(table(name, found))
    return 0


def _on_this_machine(name: str, settings: Settings) -> "Lineage":
    from pipeline.lineage.known import known_run
    from pipeline.runs.store import metadata_path

    store = metadata_path(settings)
    run_id = known_run(name, store)

    import tensorflow as tf  # which takes long to import, as what follows does

    from pipeline.lineage.local import trace

    tf.get_logger().setLevel("ERROR")  # TFMA reads its files in a way that TensorFlow deprecates
    return trace(store, run_id)


def _on_vertex(name: str, settings: Settings) -> "Lineage":
    from components.google_cloud import CloudError  # Google's clients, which take long to import
    from pipeline.vertex.lineage import trace

    try:
        return trace(name, settings)
    except CloudError as error:
        raise ValueError(str(error)) from error
