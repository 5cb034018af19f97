"""What the converters' command lines share: their options, and what they print."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from tfrecords.command_line import path_option
from tfrecords.dataset import DatasetInfo
from tfrecords.errors import DataError
from tfrecords.spelling import find_misspelt

Output = Annotated[str, path_option("Folder to write.")]
TrainList = Annotated[
    str | None, path_option("File of the training images' names, such as trainval.txt.", "FILE")
]
ValList = Annotated[
    str | None, path_option("File of the validation images' names, such as test.txt.", "FILE")
]
Calibration = Annotated[
    float,
    typer.Option(
        metavar="SHARE", help="Share of each class's training images for a split of their own."
    ),
]
MaxSide = Annotated[int, typer.Option(help="Reduce to this long side, pixels.")]
NumShards = Annotated[int, typer.Option(help="Training shards; val has half.")]
SkipInvalid = Annotated[
    bool, typer.Option("--skip-invalid", help="Leave bad files out instead of stopping.")
]
KeepDuplicates = Annotated[
    bool,
    typer.Option(
        "--keep-duplicates",
        help="Validate also with copies of training images, which are left out otherwise.",
    ),
]
# What else is given are Apache Beam's options.
PASSED_ON = {"allow_extra_args": True, "ignore_unknown_options": True}


def beam_arguments(context: typer.Context) -> list[str]:
    """Return the arguments that are none of a command's own: Apache Beam's.

    Raises:
        DataError: one of them is one letter off one of the command's own.
    """
    own = [name for option in context.command.params for name in option.opts]
    for argument in context.args:
        name = argument.partition("=")[0].replace("_", "-")
        meant = find_misspelt(name, own) if name.startswith("--") else None
        if meant or name in own:
            raise DataError(f"Unknown option {argument}; did you mean {meant or name}?")
    return list(context.args)


def report(console: Console, output: str, info: DatasetInfo, seconds: float) -> None:
    """Print what a conversion to `output` made in so many seconds."""
    kind, groups = ("classes", info.classes) if info.classes else ("breeds", info.breeds)
    table = Table("split", "images", kind, "shards", title=Text(f"{output} ({info.digest[:12]})"))
    for split, count in info.counts.items():
        table.add_row(split, str(count), str(len(groups[split])), str(info.shards[split]))
    console.print(table)
    total = sum(info.counts.values())
    console.print(
        f"{info.record_bytes / 1e6:.1f} MB in {seconds:.1f} s, {total / seconds:.0f} images/s"
    )
    if info.passed_over:
        counts = ", ".join(f"{count} {kind}" for kind, count in info.passed_over.items())
        console.print(f"passed over: {counts}", highlight=False, markup=False)
    for change, count in info.changed.items():
        console.print(f"{count} images {change}", highlight=False)
    done = "kept" if info.parameters["keep_duplicates"] else "left out"
    for duplicate in info.duplicates:
        told = f"{done} {duplicate.name}: shows the same as {duplicate.same_as} of the other split"
        console.print(told, highlight=False, markup=False)
    for fault in info.skipped:
        console.print(f"skipped {fault.name}: {fault.reason}", highlight=False, markup=False)
