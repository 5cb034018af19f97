"""Runs a model, by its folder, on images."""

from pathlib import Path
from typing import Annotated

import typer

from pipeline.terminal import fail, print_json, tell
from pipeline.verbs.options import AsJson

_SHOWN = 5  # images that could not be used, in the terminal


def predict(
    model: Annotated[
        Path, typer.Argument(metavar="MODEL", help="A SavedModel, or a folder of versions.")
    ],
    files: Annotated[
        list[str], typer.Argument(metavar="FILES...", help="Images, folders or patterns of them.")
    ],
    *,
    output: Annotated[
        Path, typer.Option(metavar="FOLDER", help="Where results go; older ones are replaced.")
    ] = Path("results"),
    as_json: AsJson = False,
) -> int:
    """Write masks and shares.csv, or labels.csv, with overlays and score.json.

    Of a folder of versions the newest is asked, whether the gate let it through or not.

    Returns:
        0 when there are results, though some images may have none; 2 when there are none;
        130 when interrupted.
    """
    from pipeline.inference.asking import ask_all
    from pipeline.inference.data import find_files
    from pipeline.inference.model import ExportedModel, find_newest
    from pipeline.inference.results import check_output, put_whole

    try:
        check_output(output)
        images = find_files(files)
        folder = find_newest(model)
        asked = ExportedModel(folder)
        with put_whole(output) as results:
            outcome = ask_all(asked, images, asked.classes, results)
            scores = {
                "model": str(folder),
                "recipe": asked.config.recipe,
                "task": asked.config.task,
                "images": outcome.images,
                "failed": outcome.failed,
            }
            results.finish(scores)
    except ValueError as error:
        return fail(str(error), 2)
    except KeyboardInterrupt:
        return fail("Stopped; no results were written.", 130)
    if as_json:
        print_json({"output": str(output), **scores})
        return 0
    typer.echo(f"Answered by {folder}: {len(outcome.images)} of {images.total}; {output}")
    for name, reason in list(outcome.failed.items())[:_SHOWN]:
        tell(f"{name}: {reason}")
    return 0
