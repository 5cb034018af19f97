"""Draws the embedded data sets, so that nothing need be downloaded.

    python -m tfrecords.synthetic --output data/scenes
    python -m tfrecords.synthetic --scenes tires --output data/tires

The first draws pet-like scenes with trimaps, the second tires, of which one in ten is defective.

Every image depends on the seed and its own number alone, so a set is the same however many
processes draw it. Where the folder already holds exactly that set, nothing is done.
"""

from __future__ import annotations

import dataclasses
import functools
import itertools
import multiprocessing
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Annotated, Literal, TypeVar

import typer
from rich.progress import track

from tfrecords import storage
from tfrecords.command_line import add_command, make_app, run
from tfrecords.dataset import DatasetInfo, RecordInfo, count_records
from tfrecords.drawing import scenes, tires
from tfrecords.errors import DataError, storage_fault, told_in_words
from tfrecords.example import CLASS_NAMES, ClassifiedImage, LabelledImage
from tfrecords.existing import find_set
from tfrecords.shards import write_records
from tfrecords.staging import staging
from tfrecords.terminal import prepare

T = TypeVar("T")

SOURCE = "Drawn by python -m tfrecords.synthetic"
LICENCE = "CC0-1.0: drawn by a program, no photograph is involved"


Scenes = Literal["pets", "tires"]
_Drawn = tuple[str, str, bytes]  # name, breed or class, serialized example


@dataclasses.dataclass(frozen=True)
class _Kind:
    """What is drawn.

    Attributes:
        draw: makes the record of a seed and a number.
        files: makes files in its place, by their paths.
        folders: of those files.
        version: changes with the pictures.
        max_side: the largest long side, pixels.
        counts: images of each split, where nobody says how many.
        class_names: by id.
        classified: whether an image has a class, in the place of a mask.
    """

    draw: Callable[[int, int], _Drawn]
    files: Callable[[int, int], dict[str, bytes]]
    folders: tuple[str, ...]
    version: int
    max_side: int
    counts: Mapping[str, int]
    class_names: tuple[str, ...]
    classified: bool = False


def _draw_pet(seed: int, index: int) -> _Drawn:
    scene = scenes.draw(seed, index)
    species = "cat" if scene.breed[0].isupper() else "dog"
    example = LabelledImage(scene.name, scene.breed, species, scene.jpeg(), scene.png(0))
    return scene.name, scene.breed, example.serialize()


def _pet_files(seed: int, index: int) -> dict[str, bytes]:
    scene = scenes.draw(seed, index)
    return {
        f"images/{scene.name}.jpg": scene.jpeg(),
        f"trimaps/{scene.name}.png": scene.png(scenes.PET),
    }


def _draw_tire(seed: int, index: int) -> _Drawn:
    photo = tires.draw(seed, index)
    example = ClassifiedImage(photo.name, photo.jpeg(), photo.label)
    return photo.name, tires.CLASS_NAMES[photo.label], example.serialize()


def _tire_files(seed: int, index: int) -> dict[str, bytes]:
    photo = tires.draw(seed, index)
    return {f"{tires.CLASS_NAMES[photo.label]}/{photo.name}.jpg": photo.jpeg()}


_KINDS = {
    "pets": _Kind(
        draw=_draw_pet,
        files=_pet_files,
        folders=("images", "trimaps"),
        version=scenes.VERSION,
        max_side=scenes.LONG_SIDES[1],
        counts={"train": 600, "val": 120},
        class_names=CLASS_NAMES,
    ),
    "tires": _Kind(
        draw=_draw_tire,
        files=_tire_files,
        folders=tires.CLASS_NAMES,
        version=tires.VERSION,
        max_side=tires.LONG_SIDES[1],
        counts={"train": 2000, "val": 1500, "calibration": 600},
        class_names=tires.CLASS_NAMES,
        classified=True,
    ),
}


def generate(
    output: str,
    *,
    scenes: Scenes = "pets",
    train: int | None = None,
    val: int | None = None,
    calibration: int | None = None,
    seed: int = 0,
    num_shards: int = 4,
) -> DatasetInfo | None:
    """Draw a set and publish it as TFRecord shards.

    Args:
        output: folder, local or remote, that will hold the shards and `dataset.json`.
        scenes: what is drawn.
        train: number of images to train with, of `num_shards` shards; by default that of the kind.
        val: number of images to validate with, of half as many shards; likewise.
        calibration: number of images to calibrate with; likewise. Pets have none.
        seed: decides every image.
        num_shards: number of shards of the train split.

    Returns:
        The description of the set, or None when `output` already held it.

    Raises:
        DataError: the arguments make no set, or the folder cannot be written.
    """
    kind = _KINDS[scenes]
    given = {"train": train, "val": val, "calibration": calibration}
    counts = {
        split: kind.counts.get(split, 0) if count is None else count
        for split, count in given.items()
    }
    if not kind.classified and counts["calibration"]:
        raise DataError(f"--calibration is for data of classes; --scenes {scenes} has masks.")
    counts = {split: count for split, count in counts.items() if count or split in kind.counts}
    shards = {
        split: num_shards if split == "train" else max(1, num_shards // 2) for split in counts
    }
    for split, count in counts.items():
        if not 1 <= shards[split] <= count:
            raise DataError(
                f"Cannot spread {count} {split} images over {shards[split]} shards; "
                "every shard needs an image and every split a shard."
            )
    parameters = {
        "generator": "tfrecords.synthetic",
        **({} if scenes == "pets" else {"scenes": scenes}),
        "version": kind.version,
        "seed": seed,
        **counts,
    }
    if find_set(output, parameters=parameters, shards=shards):
        return None
    with staging(output) as stage:
        drawn = _drawn(kind.draw, seed, sum(counts.values()))
        records: list[RecordInfo] = []
        paths: dict[str, list[str]] = {}
        classes: dict[str, Counter[str]] = {split: Counter() for split in counts}
        for split, count in counts.items():
            paths[split] = []
            for shard in range(shards[split]):
                path = storage.join(stage.folder, f"{split}-{shard}")
                first, last = (count * edge // shards[split] for edge in (shard, shard + 1))
                rows = list(itertools.islice(drawn, last - first))
                write_records(path, (record for _, _, record in rows))
                for name, group, record in rows:
                    breed = "" if kind.classified else group
                    records.append(RecordInfo.of(split, name, breed, record))
                    classes[split][group] += 1
                paths[split].append(path)
        info = DatasetInfo(
            source=SOURCE,
            licence=LICENCE,
            class_names=kind.class_names,
            max_side=kind.max_side,
            parameters=parameters,
            shards=shards,
            classes={split: dict(sorted(of.items())) for split, of in classes.items()}
            if kind.classified
            else {},
            **count_records(records),
        )
        stage.publish(info, paths)
    return info


def write_files(output: str, *, count: int, scenes: Scenes = "pets", seed: int = 0) -> None:
    """Draw a set as files for a converter.

    Of pets they are `images/<name>.jpg` and `trimaps/<name>.png` with values 1, 2, 3; of tires
    `<class>/<name>.jpg`.

    Args:
        output: local or remote folder; files of the same names are replaced.
        count: number of images.
        scenes: what is drawn.
        seed: decides every image.

    Raises:
        DataError: the folder cannot be written.
    """
    kind = _KINDS[scenes]
    try:
        for folder in kind.folders:
            storage.make_folder(storage.join(output, folder))
        for files in _drawn(kind.files, seed, count):
            for path, content in files.items():
                with storage.open_write(storage.join(output, path)) as file:
                    file.write(content)
    except OSError as error:
        raise storage_fault(error, output) or error from error


def _drawn(draw_one: Callable[[int, int], T], seed: int, count: int) -> Iterator[T]:
    """Draw pictures 0 to count - 1 on all cores and yield them in this order."""
    # Fresh processes: a fork of one that runs TensorFlow's threads may hang.
    with multiprocessing.get_context("spawn").Pool() as pool:
        results = pool.imap(functools.partial(draw_one, seed), range(count), chunksize=8)
        yield from track(results, "Drawing", total=count, transient=True)


app = make_app("")


@add_command(app, what=__doc__)
@told_in_words
def draw(
    output: Annotated[str, typer.Option(help="Folder to write, local or gs://.")],
    scenes: Annotated[Scenes, typer.Option(help="What to draw.")] = "pets",
    train: Annotated[
        int | None, typer.Option(help="Training images. Default: 600 pets, 2000 tires.")
    ] = None,
    val: Annotated[
        int | None, typer.Option(help="Validation images. Default: 120 pets, 1500 tires.")
    ] = None,
    calibration: Annotated[
        int | None, typer.Option(help="Images to calibrate with. Default: 600 tires.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Decides every image.")] = 0,
    num_shards: Annotated[int, typer.Option(help="Training shards; others have half.")] = 4,
    as_files: Annotated[
        bool,
        typer.Option(
            "--as-files",
            help="Write files for a converter instead of TFRecord shards: images/*.jpg and "
            "trimaps/*.png, or CLASS/*.jpg.",
        ),
    ] = False,
) -> int:
    """Draw what is asked for, and say what it drew; return 0."""
    if as_files:
        counts = {**_KINDS[scenes].counts}
        counts |= {"train": train or counts["train"], "val": val or counts["val"]}
        count = counts["train"] + counts["val"]
        write_files(output, count=count, scenes=scenes, seed=seed)
        print(f"{output}: drew {count} images.")
        return 0
    info = generate(
        output,
        scenes=scenes,
        train=train,
        val=val,
        calibration=calibration,
        seed=seed,
        num_shards=num_shards,
    )
    if info is None:
        print(f"{output} already holds this set; nothing to do.")
    else:
        told = ", ".join(f"{count} {split}" for split, count in info.counts.items())
        megabytes = info.record_bytes / 1e6
        print(f"{output}: drew {told} images, {megabytes:.1f} MB, digest {info.digest[:12]}")
    return 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return its exit code."""
    return run(app, "python -m tfrecords.synthetic", arguments)


if __name__ == "__main__":
    prepare()
    sys.exit(main())
