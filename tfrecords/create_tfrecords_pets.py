"""Converts photos and trimaps, those of Oxford-IIIT Pet or your own, to TFRecord shards.

    python -m tfrecords.create_tfrecords_pets --download data/pets-raw --output data/pets
    python -m tfrecords.create_tfrecords_pets --images DIR --trimaps DIR --output DIR

A photo and its trimap share their name, in whatever folder below DIR; a trimap is an 8-bit PNG of
the photo's size with the values 1 pet, 2 background, 3 border. Names like Abyssinian_12 tell the
breed; the breeds of Oxford-IIIT Pet tell cats from dogs, all others are of species "other". Paths
may be gs://.
Options not listed below are Apache Beam's, which then does the work, such as
--runner=DataflowRunner --project=P --region=R --temp_location=gs://B/tmp
--sdk_container_image=IMAGE.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Annotated, Any

import typer
from rich.console import Console

from tfrecords.build import Options, build_set, refuse
from tfrecords.command_line import add_command, make_app, path_option, run
from tfrecords.dataset import DatasetInfo
from tfrecords.errors import DataError, told_in_words
from tfrecords.example import CLASS_NAMES
from tfrecords.images import MaskReader, read_trimap
from tfrecords.naming import IMAGE_ENDINGS, show
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
from tfrecords.sources.listing import find_pairs, read_names, split_by_lists, split_by_name
from tfrecords.sources.pairs import convert_files
from tfrecords.terminal import prepare, restrain_tensorflow

_GENERATOR = {"generator": "tfrecords.create_tfrecords_pets"}


def create_tfrecords(
    images: str,
    trimaps: str,
    output: str,
    *,
    train_list: str | None = None,
    val_list: str | None = None,
    max_side: int = 256,
    num_shards: int = 4,
    skip_invalid: bool = False,
    keep_duplicates: bool = False,
    source: str = "own images",
    licence: str = "that of the images",
    hub_dataset: str | None = None,
    read_mask: MaskReader = read_trimap,
    class_names: tuple[str, ...] = CLASS_NAMES,
    generator: Mapping[str, Any] = _GENERATOR,
    beam_args: Sequence[str] = (),
) -> DatasetInfo:
    """Convert two folders and publish the set as a whole, or not at all.

    Args:
        images: folder of photos, whose files have an ending of naming.IMAGE_ENDINGS.
        trimaps: folder of .png trimaps of the same names.
        output: folder that will hold the shards and `dataset.json`.
        train_list: file that names the training images, one a line; with `val_list` or not at
            all. Without lists a fifth of every breed validates, chosen by the names alone.
        val_list: file that names the validation images.
        max_side: long side in pixels above which images are reduced.
        num_shards: shards of the train split; val has half as many.
        skip_invalid: leave bad files out and say so in `dataset.json`, instead of refusing.
        keep_duplicates: keep photos that both train and validate, by two names, instead of leaving
            one of the two out; `dataset.json` names them either way.
        source: where the images come from, for `dataset.json`.
        licence: their licence, for `dataset.json`.
        hub_dataset: their data set's name on the Hugging Face Hub, likewise.
        read_mask: makes class ids of a mask, where it is no trimap.
        class_names: the names of those, likewise.
        generator: what else decides them, for `dataset.json`.
        beam_args: flags for Beam, which does the work if there are any.

    Returns:
        The description of the published set.

    Raises:
        DataError: a fault of the data, every bad file being named, or of the output folder;
            `output` is then as it was.
    """
    options = Options(max_side, num_shards, skip_invalid, keep_duplicates, beam_args)
    options.check()
    if (train_list is None) != (val_list is None):
        raise DataError("Give both --train-list and --val-list, or neither.")
    pairs, faults, passed_over = find_pairs(images, trimaps)
    if train_list is not None and val_list is not None:
        known = {pair.name for pair in pairs} | {fault.name for fault in faults}
        train, val = read_names(train_list, known), read_names(val_list, known)
        unnamed = known - {show(name) for name in (*train, *val)}
        if unnamed:
            passed_over["in no list"] = len(unnamed)
        splits, faults = split_by_lists(pairs, faults, train, val)
    else:
        splits = split_by_name(pairs)
    if not any(splits.values()):
        if not skip_invalid:
            raise refuse(faults)
        raise DataError(
            f"None of the {len(faults)} images can be used, so that --skip-invalid leaves nothing; "
            f"{faults[0].name}: {faults[0].reason}."
        )
    return build_set(
        output,
        splits,
        faults,
        partial(convert_files, max_side=max_side, read_mask=read_mask),
        options,
        about={
            "source": source,
            "licence": licence,
            "hub_dataset": hub_dataset,
            "class_names": class_names,
            "parameters": {"split": "by name" if train_list is None else "by lists", **generator},
            "passed_over": passed_over,
        },
        missing="add images, two of a breed at least, or name them in lists",
    )


app = make_app("")


@add_command(app, what=__doc__, context_settings=PASSED_ON)
@told_in_words
def convert_pets(
    context: typer.Context,
    output: Output,
    images: Annotated[
        str | None, path_option(f"Folder of photos: {' '.join(IMAGE_ENDINGS)}.")
    ] = None,
    trimaps: Annotated[str | None, path_option("Folder of .png trimaps.")] = None,
    download: Annotated[
        str | None, path_option("Fetch Oxford-IIIT Pet to DIR (800 MB) and convert it.")
    ] = None,
    train_list: TrainList = None,
    val_list: ValList = None,
    max_side: MaxSide = 256,
    num_shards: NumShards = 4,
    skip_invalid: SkipInvalid = False,
    keep_duplicates: KeepDuplicates = False,
) -> int:
    """Convert, and print what came of it; return 0."""
    options = Options(max_side, num_shards, skip_invalid, keep_duplicates, beam_arguments(context))
    options.check()
    if download:
        # Its client takes a second to import.
        from tfrecords.sources import oxford_pets

        if images or trimaps:
            raise DataError("Pass --download, or --images and --trimaps; not both.")
        held = oxford_pets.find_official_set(output, options)
        if held and not (train_list or val_list):
            print(f"{output} already holds this set; nothing to do.")
            return 0
        raw = oxford_pets.fetch_pets(download)
        started = time.monotonic()
        made = oxford_pets.convert_raw(
            raw, output, options, train_list=train_list, val_list=val_list
        )
    elif images and trimaps:
        started = time.monotonic()
        made = create_tfrecords(
            images,
            trimaps,
            output,
            train_list=train_list,
            val_list=val_list,
            **options._asdict(),
        )
    else:
        raise DataError("Pass --images and --trimaps, or --download to fetch the data set.")
    report(Console(), output, made, time.monotonic() - started)
    return 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return its exit code."""
    return run(app, "python -m tfrecords.create_tfrecords_pets", arguments)


if __name__ == "__main__":
    prepare()
    restrain_tensorflow()
    sys.exit(main())
