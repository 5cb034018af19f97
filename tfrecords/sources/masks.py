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

import argparse
import os
import sys
import time
from collections.abc import Sequence

from rich.console import Console

from tfrecords.create_tfrecords_pets import (
    add_common_arguments,
    common_options,
    create_tfrecords,
    report,
)
from tfrecords.errors import told_in_words
from tfrecords.sources.class_table import read_classes
from tfrecords.sources.recipe_file import check_recipe_path, write_recipe
from tfrecords.terminal import prepare


@told_in_words
def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command line; returns its exit code."""
    args, beam_args = _parser().parse_known_args(argv)
    table = read_classes(args.classes, args.ignore)
    if args.recipe:
        check_recipe_path(args.recipe)
    started = time.monotonic()
    info = create_tfrecords(
        args.images,
        args.masks,
        args.output,
        **common_options(args),
        read_mask=table,
        class_names=table.names,
        generator={"generator": "tfrecords.sources.masks", **table.parameters()},
        beam_args=beam_args,
    )
    console = Console()
    report(console, args.output, info, time.monotonic() - started)
    if args.recipe:
        written = write_recipe(args.recipe, table)
        said = "written" if written else "there already, and stays as it is"
        console.print(f"recipe {args.recipe}: {said}", highlight=False, markup=False)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tfrecords.sources.masks",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    add = parser.add_argument
    path = os.path.expanduser  # a shell leaves the ~ of --images=~/photos
    add("--output", required=True, type=path, help="folder to write")
    add("--images", required=True, type=path, help="folder of photos")
    add("--masks", required=True, type=path, help="folder of .png masks")
    add(
        "--classes",
        required=True,
        type=path,
        metavar="NAMES|CSV",
        help="names by value, or a table's path",
    )
    add("--ignore", metavar="VALUE|R,G,B", help="what pixels of no class hold, such as 255")
    add("--recipe", type=path, metavar="TOML", help="file to write, a recipe, unless it is there")
    add_common_arguments(parser)
    return parser


if __name__ == "__main__":
    prepare()
    sys.exit(main())
