"""Tells which data, code and run made a model."""

import argparse
from typing import TYPE_CHECKING

from rich.console import Console

from pipeline.configs import load_settings
from pipeline.terminal import fail

if TYPE_CHECKING:
    from pipeline.lineage.chain import Lineage


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the verb's arguments."""
    parser.add_argument(
        "--engine", choices=["local", "vertex"], default="local", help="default: local"
    )
    parser.add_argument(
        "name",
        metavar="MODEL|TAG|RUN",
        help="folder or version of a SavedModel, tag or commit of the Hub, or id of a run",
    )


def run(arguments: argparse.Namespace) -> int:
    """Prints the chain; returns 0, or 2 when it cannot be found or read."""
    trace = _on_vertex if arguments.engine == "vertex" else _on_this_machine
    try:
        lineage = trace(arguments.name)
    except ValueError as error:
        return fail(str(error), 2)

    from pipeline.lineage.table import table

    Console().print(table(arguments.name, lineage))
    return 0


def _on_this_machine(name: str) -> "Lineage":
    from pipeline.lineage.known import known_run
    from pipeline.records import metadata_path

    store = metadata_path(load_settings())
    run_id = known_run(name, store)

    import tensorflow as tf  # which takes long to import, as what follows does

    from pipeline.lineage.local import trace

    tf.get_logger().setLevel("ERROR")  # TFMA reads its files in a way that TensorFlow deprecates
    return trace(store, run_id)


def _on_vertex(name: str) -> "Lineage":
    settings = load_settings()

    from components.google_cloud import CloudError  # Google's clients, which take long to import
    from pipeline.vertex.lineage import trace

    try:
        return trace(name, settings)
    except CloudError as error:
        raise ValueError(str(error)) from error
