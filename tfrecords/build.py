"""Builds a set of shards of labelled images, whatever their labels are."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from tfrecords.convert import (
    Converter,
    T,
    convert,
    deal,
    find_contradictions,
    find_duplicates,
    leave_out,
)
from tfrecords.dataset import DatasetInfo, RecordInfo, Skipped, count_records
from tfrecords.errors import DataError, listed
from tfrecords.staging import staging

if TYPE_CHECKING:
    from apache_beam.options.pipeline_options import PipelineOptions

# With multi_threading Beam 2.77 was seen to lose elements of a GroupByKey. Without a mode named, it
# starts Prism, which it downloads.
_BEAM_DEFAULTS = (
    "--runner=DirectRunner",
    "--direct_running_mode=in_memory",
    "--direct_num_workers=1",
)
_CODE_OPTIONS = ("sdk_container_image", "setup_file", "extra_packages")


class Options(NamedTuple):
    """How a set is written, whatever it holds.

    Attributes:
        max_side: long side in pixels above which images are reduced.
        num_shards: shards of the train split; each other one has half as many.
        skip_invalid: leave bad files out and say so in `dataset.json`, instead of refusing.
        keep_duplicates: keep photos that are in two splits, by two names, instead of leaving one of
            the two out; `dataset.json` names them either way.
        beam_args: flags for Beam, which does the work if there are any.
    """

    max_side: int = 256
    num_shards: int = 4
    skip_invalid: bool = False
    keep_duplicates: bool = False
    beam_args: Sequence[str] = ()

    def check(self) -> None:
        """Raise DataError if a number is none that can be meant."""
        for option, value in (("max-side", self.max_side), ("num-shards", self.num_shards)):
            if value < 1:
                raise DataError(f"--{option} is {value}; expected at least 1.")

    def count_shards(self, split: str) -> int:
        """Return number of a split's shards, where it has as many images."""
        return self.num_shards if split == "train" else max(1, self.num_shards // 2)


def build_set(
    output: str,
    splits: Mapping[str, list[T]],
    faults: Sequence[Skipped],
    converter: Converter[T],
    options: Options,
    *,
    about: Mapping[str, Any],
    missing: str,
    class_of: Mapping[str, str] | None = None,
) -> DatasetInfo:
    """Convert the items of every split and publish the set as a whole, or not at all.

    Args:
        output: folder that will hold the shards and `dataset.json`.
        splits: what becomes a record, by split: train, val and maybe calibration.
        faults: what was found wrong so far.
        converter: makes a record of an item; with `options.beam_args` it can be pickled.
        options: how the set is written.
        about: the fields of DatasetInfo that do not follow from records and options.
        missing: how to have images in a split that has none.
        class_of: name of an item's class by its name, where items have one; the same image under
            two classes is a fault.

    Returns:
        The description of the published set.

    Raises:
        DataError: a fault of the data, every bad file being named, or of the output folder;
            `output` is then as it was.
    """
    shards = deal(
        splits, {split: min(options.count_shards(split), len(splits[split])) for split in splits}
    )
    beam_options = _beam_options(options.beam_args) if options.beam_args else None
    with staging(output) as stage:
        if beam_options:
            # To import Beam takes longer than to convert a thousand photos.
            from tfrecords.convert_on_beam import convert_on_beam

            indices = convert_on_beam(shards, stage.folder, converter, beam_options)
        else:
            indices = convert(shards, stage.folder, converter)
        contradictions = find_contradictions(indices.values(), class_of) if class_of else []
        faults = [*faults, *contradictions]
        faults += [fault for index in indices.values() for fault in index.skipped]
        if faults and not options.skip_invalid:
            raise refuse(faults)
        names = {fault.name for fault in contradictions}
        indices = {path: leave_out(names, path, index) for path, index in indices.items()}
        duplicates = find_duplicates(indices.values())
        if not options.keep_duplicates:
            names = {duplicate.name for duplicate in duplicates}
            indices = {path: leave_out(names, path, index) for path, index in indices.items()}
        records = [record for index in indices.values() for record in index.records]
        paths = _paths_by_split({path: index.records for path, index in indices.items()})
        for split in splits:
            if split not in paths:
                if duplicates and not options.keep_duplicates:
                    raise DataError(
                        f"No image is left for the {split} split, because {len(duplicates)} "
                        "images are copies of those of the other; remove the copies, or pass "
                        "--keep-duplicates."
                    )
                raise DataError(
                    f"No image is left for the {split} split; expected at least one: {missing}."
                )
        classes = _count_classes(records, class_of or {})
        _check_classes(classes, splits, class_of or {})
        described = {
            **about,
            "parameters": {**about["parameters"], "keep_duplicates": options.keep_duplicates},
            "classes": classes,
        }
        info = DatasetInfo(
            **described,
            max_side=options.max_side,
            shards={split: len(paths[split]) for split in splits},
            skipped=tuple(sorted(faults, key=lambda fault: fault.name)),
            duplicates=tuple(duplicates),
            changed=Counter(sorted(change for record in records for change in record.changes)),
            **count_records(records),
        )
        stage.publish(info, paths)
    return info


def refuse(faults: Sequence[Skipped]) -> DataError:
    """Make an error that names every file which cannot be used."""
    lines = [f"{fault.name}: {fault.reason}" for fault in sorted(faults, key=lambda f: f.name)]
    heading = f"{len(lines)} files cannot be used; correct them or pass --skip-invalid:"
    return DataError(listed(heading, lines))


def _count_classes(
    records: Sequence[RecordInfo], class_of: Mapping[str, str]
) -> dict[str, dict[str, int]]:
    """Count images per split and class; there is no split where there are no classes."""
    counts: dict[str, Counter[str]] = {}
    for record in records:
        if record.name in class_of:
            counts.setdefault(record.split, Counter())[class_of[record.name]] += 1
    return {split: dict(sorted(counter.items())) for split, counter in sorted(counts.items())}


def _check_classes(
    counts: Mapping[str, Mapping[str, int]], splits: Iterable[str], class_of: Mapping[str, str]
) -> None:
    """Raise DataError if a class has lost all of its images in a split."""
    names = set(class_of.values())
    for split in splits:
        if lost := sorted(names - counts.get(split, {}).keys()):
            raise DataError(
                f"No image of {', '.join(lost)} is left for the {split} split, because all were "
                "left out, as bad files or as copies; add images of that class, or remove it."
            )


def _paths_by_split(indices_records: Mapping[str, Sequence[RecordInfo]]) -> dict[str, list[str]]:
    """Group the staged shards that hold anything, in the order of their numbers."""
    paths: dict[str, list[str]] = {}
    for path, records in indices_records.items():
        if records:
            paths.setdefault(records[0].split, []).append(path)
    return paths


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
