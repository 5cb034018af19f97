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

import argparse
import logging
import os
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table

from tfrecords.convert import convert, deal, find_duplicates, leave_out
from tfrecords.dataset import DatasetInfo, RecordInfo, Skipped, count_records
from tfrecords.errors import DataError, listed, told_in_words
from tfrecords.example import CLASS_NAMES
from tfrecords.images import MaskReader, read_trimap
from tfrecords.listing import IMAGE_ENDINGS, find_pairs, read_names, split_by_lists, split_by_name
from tfrecords.staging import staging
from tfrecords.terminal import prepare

if TYPE_CHECKING:
    from apache_beam.options.pipeline_options import PipelineOptions

# With multi_threading Beam 2.77 was seen to lose elements of a GroupByKey. Without a mode named, it
# starts Prism, which it downloads.
_BEAM_DEFAULTS = (
    "--runner=DirectRunner",
    "--direct_running_mode=in_memory",
    "--direct_num_workers=1",
)
_GENERATOR = {"generator": "tfrecords.create_tfrecords_pets"}
_CODE_OPTIONS = ("sdk_container_image", "setup_file", "extra_packages")


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
    """Converts two folders and publishes the set as a whole, or not at all.

    Args:
        images: folder of photos, whose files have an ending of tfrecords.listing.IMAGE_ENDINGS.
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
    for option, value in (("max-side", max_side), ("num-shards", num_shards)):
        if value < 1:
            raise DataError(f"--{option} is {value}; expected at least 1.")
    if (train_list is None) != (val_list is None):
        raise DataError("Give both --train-list and --val-list, or neither.")
    pairs, faults, passed_over = find_pairs(images, trimaps)
    if train_list is not None and val_list is not None:
        train, val = read_names(train_list), read_names(val_list)
        known = {pair.name for pair in pairs} | {fault.name for fault in faults}
        unnamed = known - {*train, *val}
        if unnamed:
            passed_over["in no list"] = len(unnamed)
        splits, faults = split_by_lists(pairs, faults, train, val)
    else:
        splits = split_by_name(pairs)
    if not any(splits.values()):
        raise _refusal(faults)
    wanted = {"train": num_shards, "val": max(1, num_shards // 2)}
    shards = deal(splits, {split: min(wanted[split], len(splits[split])) for split in splits})
    options = _beam_options(beam_args) if beam_args else None
    with staging(output) as stage:
        if options:
            # To import Beam takes longer than to convert a thousand photos.
            from tfrecords.convert_on_beam import convert_on_beam

            indices = convert_on_beam(shards, stage.folder, max_side, read_mask, options)
        else:
            indices = convert(shards, stage.folder, max_side, read_mask)
        faults = faults + [fault for index in indices.values() for fault in index.skipped]
        if faults and not skip_invalid:
            raise _refusal(faults)
        duplicates = find_duplicates(indices.values())
        if not keep_duplicates:
            names = {duplicate.name for duplicate in duplicates}
            indices = {path: leave_out(names, path, index) for path, index in indices.items()}
        records = [record for index in indices.values() for record in index.records]
        paths = _paths_by_split({path: index.records for path, index in indices.items()})
        for split in splits:
            if split not in paths:
                if duplicates and not keep_duplicates:
                    raise DataError(
                        f"No image is left for the {split} split, because {len(duplicates)} "
                        "images are copies of those of the other; remove the copies, or pass "
                        "--keep-duplicates."
                    )
                raise DataError(
                    f"No image is left for the {split} split; expected at least one: add images, "
                    "two of a breed at least, or name them in lists."
                )
        info = DatasetInfo(
            source=source,
            licence=licence,
            hub_dataset=hub_dataset,
            class_names=class_names,
            max_side=max_side,
            parameters={
                **generator,
                "split": "by name" if train_list is None else "by lists",
                "keep_duplicates": keep_duplicates,
            },
            shards={split: len(paths[split]) for split in splits},
            skipped=tuple(sorted(faults, key=lambda fault: fault.name)),
            duplicates=tuple(duplicates),
            passed_over=passed_over,
            changed=Counter(sorted(change for record in records for change in record.changes)),
            **count_records(records),
        )
        stage.publish(info, paths)
    return info


def _paths_by_split(indices_records: Mapping[str, Sequence[RecordInfo]]) -> dict[str, list[str]]:
    """Groups the staged shards that hold anything, in the order of their numbers."""
    paths: dict[str, list[str]] = {}
    for path, records in indices_records.items():
        if records:
            paths.setdefault(records[0].split, []).append(path)
    return paths


def _refusal(faults: Sequence[Skipped]) -> DataError:
    if not faults:
        return DataError("The lists name none of the images; expected names without folders.")
    lines = [f"{fault.name}: {fault.reason}" for fault in sorted(faults, key=lambda f: f.name)]
    heading = f"{len(lines)} files cannot be used; correct them or pass --skip-invalid:"
    return DataError(listed(heading, lines))


def _beam_options(beam_args: Sequence[str]) -> PipelineOptions:
    from apache_beam.options.pipeline_options import PipelineOptions

    options = PipelineOptions([*_BEAM_DEFAULTS, *beam_args])
    known = options.get_all_options()
    stray = options.get_all_options(retain_unknown_options=True).keys() - known.keys()
    if stray:
        flags = [argument.split("=")[0] for argument in beam_args]
        named = ", ".join(flag for flag in flags if flag.lstrip("-").replace("-", "_") in stray)
        raise DataError(f"Unknown option {named}; see --help, and Beam's own options.")
    if known["runner"] == "DirectRunner":
        # A worker's traceback adds nothing to the one sentence the user gets.
        logging.getLogger("apache_beam").setLevel(logging.CRITICAL)
    elif not any(known.get(option) for option in _CODE_OPTIONS):
        raise DataError(
            f"Workers of {known['runner']} have no copy of this code; pass "
            "--sdk_container_image=IMAGE with this project's image, or --setup_file."
        )
    return options


@told_in_words
def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command line; returns its exit code."""
    args, beam_args = _parser().parse_known_args(argv)
    folders = {"images": args.images, "trimaps": args.trimaps}
    options = common_options(args)
    origin: dict[str, Any] = {}
    if args.download:
        from tfrecords import download

        raw = download.fetch_pets(args.download)
        folders = {"images": raw.images, "trimaps": raw.trimaps}
        if not (args.train_list or args.val_list):
            options |= {"train_list": raw.train_list, "val_list": raw.val_list}
        origin = {
            "source": download.SOURCE,
            "licence": download.LICENCE,
            "hub_dataset": download.HUB_DATASET,
        }
    elif not all(folders.values()):
        raise DataError("Pass --images and --trimaps, or --download to fetch the data set.")
    started = time.monotonic()
    info = create_tfrecords(
        **folders,
        **options,
        **origin,
        output=args.output,
        beam_args=beam_args,
    )
    report(Console(), args.output, info, time.monotonic() - started)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tfrecords.create_tfrecords_pets",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    add = parser.add_argument
    path = os.path.expanduser  # a shell leaves the ~ of --images=~/photos
    add("--output", required=True, type=path, help="folder to write")
    add("--images", type=path, help=f"folder of photos: {' '.join(IMAGE_ENDINGS)}")
    add("--trimaps", type=path, help="folder of .png trimaps")
    add(
        "--download",
        metavar="DIR",
        type=path,
        help="fetch Oxford-IIIT Pet to DIR (800 MB) and convert it",
    )
    add_common_arguments(parser)
    return parser


def add_common_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the options of `create_tfrecords` that do not depend on what the masks hold."""
    add = parser.add_argument
    path = os.path.expanduser
    add("--train-list", type=path, help="file of the training images' names, such as trainval.txt")
    add("--val-list", type=path, help="file of the validation images' names, such as test.txt")
    add("--max-side", type=int, default=256, help="reduce to this long side (%(default)s)")
    add("--num-shards", type=int, default=4, help="training shards (%(default)s), val has half")
    add("--skip-invalid", action="store_true", help="leave bad files out instead of stopping")
    add(
        "--keep-duplicates",
        action="store_true",
        help="validate also with copies of training images, which are left out otherwise",
    )


def common_options(args: argparse.Namespace) -> dict[str, Any]:
    """What was given for the options of `add_common_arguments`, for `create_tfrecords`."""
    names = ("train_list", "val_list", "max_side", "num_shards", "skip_invalid", "keep_duplicates")
    return {name: getattr(args, name) for name in names}


def report(console: Console, output: str, info: DatasetInfo, seconds: float) -> None:
    """Prints what a conversion to `output` made in so many seconds."""
    table = Table("split", "images", "breeds", "shards", title=f"{output} ({info.digest[:12]})")
    for split, count in info.counts.items():
        table.add_row(split, str(count), str(len(info.breeds[split])), str(info.shards[split]))
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


if __name__ == "__main__":
    prepare()
    # TensorFlow decodes here and does nothing else.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
    sys.exit(main())
