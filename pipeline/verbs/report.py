"""Writes the report of a run again."""

import webbrowser
from typing import Annotated

import typer

from components.flags import with_settings
from pipeline.configs import Settings
from pipeline.terminal import fail, print_json
from pipeline.verbs.options import AsJson


@with_settings(Settings)
def report(
    settings: Settings,
    *,
    run: Annotated[
        str | None, typer.Option(metavar="ID", help="Which one. Default: the newest run.")
    ] = None,
    open_it: Annotated[bool, typer.Option("--open", help="Show it in the browser.")] = False,
    as_json: AsJson = False,
) -> int:
    """Print the report's path, or path and figures; return 0, or 2 when there is no such run."""
    import tensorflow as tf
    from rich.console import Console

    from pipeline.report import write_index, write_report
    from pipeline.results.document import document
    from pipeline.runs import history, store

    tf.get_logger().setLevel("ERROR")  # TFMA reads its files in a way that TensorFlow deprecates

    try:
        metadata = store.metadata_path(settings)
        found = history.load_run(metadata, run)
    except ValueError as error:
        return fail(str(error), 2)
    try:
        path = write_report(found, metadata.parent)
        write_index(metadata.parent)
        told = document(found) if as_json else {}
    except (OSError, tf.errors.OpError) as error:
        message = f"What run {found.run_id} left is no longer whole, or cannot be written to: "
        return fail(message + str(error), 2)
    if as_json:
        print_json({"report": str(path), **told})
    else:
        Console(soft_wrap=True).print(str(path), markup=False)
    if open_it and not webbrowser.open(path.as_uri()):
        fail("There is no browser to show it; open the file yourself.", 0)
    return 0
