"""Converts images whose folders tell their classes to TFRecord shards.

    python -m tfrecords.create_tfrecords_class_folders --images DIR|TAR|ZIP --output DIR

Images lie in CLASS/, of which --val-share validates, or in train/CLASS/ and in val/CLASS/,
valid/CLASS/ or test/CLASS/. The class ids 0, 1, 2, ... are those of the names in the order of the
alphabet, or of --class-names. --calibration takes a share of what trains for a third split, which
neither trains nor judges, unless calibration/CLASS/ has it. Paths may be gs://.
Options not listed below are Apache Beam's, which then does the work.
"""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Sequence
from functools import partial
from typing import Annotated

import typer
from rich.console import Console

from tfrecords import storage
from tfrecords.build import Options, build_set, refuse
from tfrecords.command_line import add_command, make_app, path_option, run
from tfrecords.dataset import DatasetInfo
from tfrecords.errors import DataError, told_in_words
from tfrecords.naming import name_key
from tfrecords.options import (
    PASSED_ON,
    Calibration,
    KeepDuplicates,
    MaxSide,
    NumShards,
    Output,
    SkipInvalid,
    beam_arguments,
    report,
)
from tfrecords.sources.archives import ENDINGS, unpack
from tfrecords.sources.class_folders import (
    convert_file,
    digest_files,
    find_images,
    name_classes,
)
from tfrecords.sources.held_out import check_shares, hold_out
from tfrecords.terminal import prepare, restrain_tensorflow


def create_tfrecords(
    images: str,
    output: str,
    options: Options,
    *,
    val_share: float = 0.1,
    calibration: float = 0.0,
    class_names: str | None = None,
) -> DatasetInfo:
    """Convert a folder or an archive and publish the set as a whole, or not at all.

    Args:
        images: folder of class folders, or an archive of them.
        output: folder that will hold the shards and `dataset.json`.
        options: how the set is written.
        val_share: share of each class's images that validates where no folder tells which.
        calibration: share of each class's training images for the split `calibration`, likewise.
        class_names: the classes by id, with commas between them; by default in the order of the
            alphabet.

    Returns:
        The description of the published set.

    Raises:
        DataError: a fault of the data, every bad file being named, or of the output folder;
            `output` is then as it was.
    """
    options.check()
    check_shares({"val-share": val_share, "calibration": calibration})
    with contextlib.ExitStack() as stack:
        if images.lower().endswith(ENDINGS) and not os.path.isdir(images):
            if not storage.exists(images):
                raise DataError(f"{images} is not there; correct the path.")
            files = stack.enter_context(unpack(images))
        else:
            files = _find_files(images)
        found = find_images(images, files)
        if found.faults and not options.skip_invalid:
            # Which classes there are depends on them.
            raise refuse(found.faults)
        names = name_classes(found.splits, class_names)
        ids = {name: index for index, name in enumerate(names)}
        shares = {
            split: 0.0 if split in found.splits else share
            for split, share in {"val": val_share, "calibration": calibration}.items()
        }
        if not ("val" in found.splits or val_share):
            raise DataError("--val-share is 0, and no folder has the images that judge; pass 0.1.")
        training = found.splits["train"]
        # Where folders tell all splits, nothing need be read for them.
        digests = digest_files(training) if any(shares.values()) else {}
        splits = found.splits | hold_out(
            training,
            shares,
            class_of=lambda file: file.class_name,
            key=lambda file: digests.get(file.name) or name_key(file.name),
        )
        class_of = {file.name: file.class_name for files in splits.values() for file in files}
        return build_set(
            output,
            splits,
            found.faults,
            partial(convert_file, max_side=options.max_side, ids=ids),
            options,
            about={
                "source": "own images",
                "licence": "that of the images",
                "class_names": names,
                "parameters": {
                    "generator": "tfrecords.create_tfrecords_class_folders",
                    "split": "by folders" if "val" in found.splits else "by content",
                    "val_share": shares["val"],
                    "calibration": shares["calibration"],
                },
                "passed_over": found.passed_over,
            },
            missing="add images of each class",
            class_of=class_of,
        )


def _find_files(folder: str) -> storage.Files:
    try:
        return storage.find_files(folder)
    except OSError as error:
        raise DataError(
            f"Cannot list {error.filename}: {error.strerror}; correct the path or its permissions."
        ) from error


app = make_app("")


@add_command(app, what=__doc__, context_settings=PASSED_ON)
@told_in_words
def convert_class_folders(
    context: typer.Context,
    output: Output,
    images: Annotated[
        str, path_option(f"Folder of class folders, or {' '.join(ENDINGS)}.", "DIR|TAR|ZIP")
    ],
    class_names: Annotated[
        str | None, typer.Option(metavar="NAMES", help="The classes by id, such as cat,dog.")
    ] = None,
    val_share: Annotated[
        float,
        typer.Option(
            metavar="SHARE", help="Share of each class that validates, if no folder tells."
        ),
    ] = 0.1,
    calibration: Calibration = 0.0,
    max_side: MaxSide = 256,
    num_shards: NumShards = 4,
    skip_invalid: SkipInvalid = False,
    keep_duplicates: KeepDuplicates = False,
) -> int:
    """Convert, and print what came of it; return 0."""
    beam_args = beam_arguments(context)
    started = time.monotonic()
    info = create_tfrecords(
        images,
        output,
        Options(max_side, num_shards, skip_invalid, keep_duplicates, beam_args),
        val_share=val_share,
        calibration=calibration,
        class_names=class_names,
    )
    report(Console(), output, info, time.monotonic() - started)
    return 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return its exit code."""
    return run(app, "python -m tfrecords.create_tfrecords_class_folders", arguments)


if __name__ == "__main__":
    prepare()
    restrain_tensorflow()
    sys.exit(main())
