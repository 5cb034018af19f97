"""Converts photos and masks of your own classes to TFRecord shards, and writes their recipe.

    python -m tfrecords.sources.masks --images DIR --masks DIR --classes leaf,background \
        --output data/leaves --recipe leaves.toml

A photo and its mask share their name; a mask is a PNG of the photo's size. Its classes are told by
grey values, by the indices of its palette, or by colours: --classes names those of the values 0, 1,
2, ..., or is a .csv file with the columns name and value, or name, r, g and b. Masks of two classes
may hold 0 and 255. Names like oak_12 tell the breed, by which metrics are sliced. Paths may be
gs://. Options not listed below are Apache Beam's, which then does the work.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from tfrecords.command_line import add_command, make_app, path_option, run
from tfrecords.create_tfrecords_pets import create_tfrecords
from tfrecords.errors import told_in_words
from tfrecords.options import (
    PASSED_ON,
    KeepDuplicates,
    MaxSide,
    NumShards,
    Output,
    SkipInvalid,
    TrainList,
    ValList,
    beam_arguments,
    report,
)
from tfrecords.sources.class_table import ClassTable, read_classes
from tfrecords.sources.recipe_file import check_recipe_path, recipe_text, write_recipe
from tfrecords.terminal import prepare

app = make_app("")


@add_command(app, what=__doc__, context_settings=PASSED_ON)
@told_in_words
def convert_masks(
    context: typer.Context,
    output: Output,
    images: Annotated[str, path_option("Folder of photos.")],
    masks: Annotated[str, path_option("Folder of .png masks.")],
    classes: Annotated[str, path_option("Names by value, or a table's path.", "NAMES|CSV")],
    ignore: Annotated[
        str | None,
        typer.Option(metavar="VALUE|R,G,B", help="What pixels of no class hold, such as 255."),
    ] = None,
    recipe: Annotated[
        str | None, path_option("File to write, a recipe, unless it is there.", "TOML")
    ] = None,
    train_list: TrainList = None,
    val_list: ValList = None,
    max_side: MaxSide = 256,
    num_shards: NumShards = 4,
    skip_invalid: SkipInvalid = False,
    keep_duplicates: KeepDuplicates = False,
) -> int:
    """Convert, and print what came of it; return 0."""
    beam_args = beam_arguments(context)
    table = read_classes(classes, ignore)
    if recipe:
        check_recipe_path(recipe)
    started = time.monotonic()
    info = create_tfrecords(
        images,
        masks,
        output,
        train_list=train_list,
        val_list=val_list,
        max_side=max_side,
        num_shards=num_shards,
        skip_invalid=skip_invalid,
        keep_duplicates=keep_duplicates,
        beam_args=beam_args,
        **reading(table),
    )
    console = Console()
    report(console, output, info, time.monotonic() - started)
    if recipe:
        written = write_recipe(recipe, recipe_text(Path(recipe).stem, table))
        said = "written" if written else "there already, and stays as it is"
        console.print(f"recipe {recipe}: {said}", highlight=False, markup=False)
    return 0


def reading(table: ClassTable) -> dict[str, Any]:
    """Return what `create_tfrecords` is to be given for masks of a table's classes."""
    return {
        "read_mask": table,
        "class_names": table.names,
        "generator": {"generator": "tfrecords.sources.masks", **table.parameters()},
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return its exit code."""
    return run(app, "python -m tfrecords.sources.masks", arguments)


if __name__ == "__main__":
    prepare()
    sys.exit(main())
