"""Converts CIFAR-10, the official batches for Python, to TFRecord shards.

    python -m tfrecords.create_tfrecords_cifar10 --download DIR --output data/cifar10
    python -m tfrecords.create_tfrecords_cifar10 --batches DIR|TAR --output data/cifar10

The official test batch makes the val split, which judges; --calibration takes a share of the
training images for a third split. The batches are pickles: whatever one would run besides making
arrays is refused. Images are stored as PNG, which loses nothing.
"""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Sequence
from typing import Annotated

from rich.console import Console

from tfrecords import storage
from tfrecords.build import Options, build_set
from tfrecords.command_line import add_command, make_app, path_option, run
from tfrecords.dataset import DatasetInfo
from tfrecords.errors import DataError, told_in_words
from tfrecords.naming import name_key
from tfrecords.options import Calibration, NumShards, Output, SkipInvalid, report
from tfrecords.sources import cifar10
from tfrecords.sources.archives import TAR_ENDINGS, unpack
from tfrecords.sources.held_out import check_shares, hold_out
from tfrecords.terminal import prepare


def create_tfrecords(
    batches: str,
    output: str,
    *,
    calibration: float = 0.0,
    num_shards: int = 4,
    skip_invalid: bool = False,
) -> DatasetInfo:
    """Convert the batches and publish the set as a whole, or not at all.

    All official test images judge, also those that look like a training image, so that figures
    compare with published ones; `dataset.json` names them.

    Args:
        batches: folder of the batches, or the official archive.
        output: folder that will hold the shards and `dataset.json`.
        calibration: share of each class's training images for the split `calibration`.
        num_shards: shards of the train split; each other one has half as many.
        skip_invalid: leave images out that are there under two classes, instead of refusing.

    Raises:
        DataError: a fault of the batches, or of the output folder; `output` is then as it was.
    """
    options = Options(cifar10.SIDE, num_shards, skip_invalid, keep_duplicates=True)
    options.check()
    check_shares({"calibration": calibration})
    if not storage.exists(batches):
        raise DataError(f"{batches} is not there; correct the path, or pass --download.")
    with contextlib.ExitStack() as stack:
        packed = batches.lower().endswith(TAR_ENDINGS)
        files = stack.enter_context(unpack(batches)) if packed else cifar10.find_batches(batches)
        splits = cifar10.read_batches(batches, files)
    splits |= hold_out(
        splits["train"],
        {"calibration": calibration},
        class_of=lambda image: image.class_name,
        key=lambda image: name_key(image.name),  # which the official batches give
    )
    return build_set(
        output,
        splits,
        [],
        cifar10.convert_image,
        options,
        about={
            "source": cifar10.SOURCE,
            "licence": cifar10.LICENCE,
            "hub_dataset": cifar10.HUB_DATASET,
            "class_names": cifar10.CLASS_NAMES,
            "parameters": {
                "generator": "tfrecords.create_tfrecords_cifar10",
                "split": "official",
                "calibration": calibration,
            },
        },
        missing="take the official batches",
        class_of={image.name: image.class_name for images in splits.values() for image in images},
    )


app = make_app("")


@add_command(app, what=__doc__)
@told_in_words
def convert_cifar10(
    output: Output,
    download: Annotated[
        str | None, path_option("Fetch the batches to DIR (170 MB) and convert them.")
    ] = None,
    batches: Annotated[
        str | None, path_option("Folder of the batches, or their archive.", "DIR|TAR")
    ] = None,
    calibration: Calibration = 0.0,
    num_shards: NumShards = 4,
    skip_invalid: SkipInvalid = False,
) -> int:
    """Convert, and print what came of it; return 0."""
    if bool(download) == bool(batches):
        raise DataError("Pass --download to fetch CIFAR-10, or --batches with a copy of it.")
    place = batches or cifar10.fetch_batches(download or "")
    started = time.monotonic()
    info = create_tfrecords(
        place,
        output,
        calibration=calibration,
        num_shards=num_shards,
        skip_invalid=skip_invalid,
    )
    console = Console()
    report(console, output, info, time.monotonic() - started)
    if missing := cifar10.tell_missing(info.counts):
        console.print(missing, highlight=False, soft_wrap=True)
    return 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return its exit code."""
    return run(app, "python -m tfrecords.create_tfrecords_cifar10", arguments)


if __name__ == "__main__":
    prepare()
    sys.exit(main())
