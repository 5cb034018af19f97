"""Writes the report of a run again."""

import argparse
import webbrowser

from rich.console import Console

from pipeline.configs import load_settings
from pipeline.terminal import fail


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the verb's arguments."""
    parser.add_argument("--run", metavar="ID", help="default: the newest run")
    parser.add_argument("--open", action="store_true", help="show it in the browser")


def run(arguments: argparse.Namespace) -> int:
    """Prints the report's path; returns 0, or 2 when there is no such run."""
    import tensorflow as tf

    from pipeline import records, runs
    from pipeline.report import write_report

    tf.get_logger().setLevel("ERROR")  # TFMA reads its files in a way that TensorFlow deprecates

    try:
        store = records.metadata_path(load_settings())
        found = runs.load_run(store, arguments.run)
    except ValueError as error:
        return fail(str(error), 2)
    try:
        path = write_report(found, store.parent)
    except (OSError, tf.errors.OpError) as error:
        message = f"What run {found.run_id} left is no longer whole, or cannot be written to: "
        return fail(message + str(error), 2)
    Console(soft_wrap=True).print(str(path), markup=False)
    if arguments.open and not webbrowser.open(path.as_uri()):
        fail("There is no browser to show it; open the file yourself.", 0)
    return 0
