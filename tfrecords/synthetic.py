"""Draws the default data set: pet-like scenes with trimaps, so that nothing need be downloaded.

    python -m tfrecords.synthetic --output data/scenes

Every image depends on the seed and its own number alone, so a set is the same however many
processes draw it. Where the folder already holds exactly that set, nothing is done.
"""

from __future__ import annotations

import functools
import itertools
import multiprocessing
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Annotated, TypeVar

import typer
from rich.progress import track

from tfrecords import storage
from tfrecords.command_line import add_command, make_app, run
from tfrecords.dataset import DatasetInfo, RecordInfo, count_records
from tfrecords.drawing import scenes
from tfrecords.errors import DataError, storage_fault, told_in_words
from tfrecords.example import LabelledImage
from tfrecords.existing import find_set
from tfrecords.shards import write_records
from tfrecords.staging import staging
from tfrecords.terminal import prepare

T = TypeVar("T")

SOURCE = "Drawn by python -m tfrecords.synthetic"
LICENCE = "CC0-1.0: drawn by a program, no photograph is involved"


def generate(
    output: str, *, train: int = 600, val: int = 120, seed: int = 0, num_shards: int = 4
) -> DatasetInfo | None:
    """Draws a set and publishes it as TFRecord shards.

    Args:
        output: folder, local or remote, that will hold the shards and `dataset.json`.
        train: number of images to train with, of `num_shards` shards.
        val: number of images to validate with, of half as many shards.
        seed: decides every image.
        num_shards: number of shards of the train split.

    Returns:
        The description of the set, or None when `output` already held it.

    Raises:
        DataError: the arguments make no set, or the folder cannot be written.
    """
    shards = {"train": num_shards, "val": max(1, num_shards // 2)}
    for split, count in (("train", train), ("val", val)):
        if not 1 <= shards[split] <= count:
            raise DataError(
                f"Cannot spread {count} {split} images over {shards[split]} shards; "
                "every shard needs an image and every split a shard."
            )
    parameters = {
        "generator": "tfrecords.synthetic",
        "version": scenes.VERSION,
        "seed": seed,
        "train": train,
        "val": val,
    }
    if find_set(output, parameters=parameters, shards=shards):
        return None
    with staging(output) as stage:
        drawn = _drawn(_as_example, seed, train + val)
        records: list[RecordInfo] = []
        paths: dict[str, list[str]] = {}
        for split, count in (("train", train), ("val", val)):
            paths[split] = []
            for shard in range(shards[split]):
                path = storage.join(stage.folder, f"{split}-{shard}")
                first, last = (count * edge // shards[split] for edge in (shard, shard + 1))
                rows = list(itertools.islice(drawn, last - first))
                write_records(path, (record for _, _, record in rows))
                records += [RecordInfo.of(split, *row) for row in rows]
                paths[split].append(path)
        info = DatasetInfo(
            source=SOURCE,
            licence=LICENCE,
            max_side=scenes.LONG_SIDES[1],
            parameters=parameters,
            shards=shards,
            **count_records(records),
        )
        stage.publish(info, paths)
    return info


def write_files(output: str, *, count: int, seed: int = 0) -> None:
    """Draws a set as files: `images/<name>.jpg` and `trimaps/<name>.png` with values 1, 2, 3.

    Args:
        output: local or remote folder; files of the same names are replaced.
        count: number of images.
        seed: decides every image.

    Raises:
        DataError: the folder cannot be written.
    """
    try:
        for folder in ("images", "trimaps"):
            storage.make_folder(storage.join(output, folder))
        for name, jpeg, png in _drawn(_as_files, seed, count):
            for folder, content in ((f"images/{name}.jpg", jpeg), (f"trimaps/{name}.png", png)):
                with storage.open_write(storage.join(output, folder)) as file:
                    file.write(content)
    except OSError as error:
        raise storage_fault(error, output) or error from error


def _drawn(draw_one: Callable[[int, int], T], seed: int, count: int) -> Iterator[T]:
    """Draws scenes 0 to count - 1 on all cores and yields them in this order."""
    # Fresh processes: a fork of one that runs TensorFlow's threads may hang.
    with multiprocessing.get_context("spawn").Pool() as pool:
        results = pool.imap(functools.partial(draw_one, seed), range(count), chunksize=8)
        yield from track(results, "Drawing", total=count, transient=True)


def _as_example(seed: int, index: int) -> tuple[str, str, bytes]:
    scene = scenes.draw(seed, index)
    species = "cat" if scene.breed[0].isupper() else "dog"
    example = LabelledImage(scene.name, scene.breed, species, scene.jpeg(), scene.png(0))
    return scene.name, scene.breed, example.serialize()


def _as_files(seed: int, index: int) -> tuple[str, bytes, bytes]:
    scene = scenes.draw(seed, index)
    return scene.name, scene.jpeg(), scene.png(scenes.PET)


app = make_app("")


@add_command(app, what=__doc__)
@told_in_words
def draw(
    output: Annotated[str, typer.Option(help="Folder to write, local or gs://.")],
    train: Annotated[int, typer.Option(help="Training images.")] = 600,
    val: Annotated[int, typer.Option(help="Validation images.")] = 120,
    seed: Annotated[int, typer.Option(help="Decides every image.")] = 0,
    num_shards: Annotated[int, typer.Option(help="Training shards; val has half.")] = 4,
    as_files: Annotated[
        bool,
        typer.Option(
            "--as-files",
            help="Write images/*.jpg and trimaps/*.png for the converter instead of TFRecord "
            "shards.",
        ),
    ] = False,
) -> int:
    """Draws what is asked for, and says what it drew; returns 0."""
    if as_files:
        write_files(output, count=train + val, seed=seed)
        print(f"{output}: drew {train + val} images and trimaps.")
        return 0
    info = generate(output, train=train, val=val, seed=seed, num_shards=num_shards)
    if info is None:
        print(f"{output} already holds this set; nothing to do.")
    else:
        counts = ", ".join(f"{count} {split}" for split, count in info.counts.items())
        megabytes = info.record_bytes / 1e6
        print(f"{output}: drew {counts} images, {megabytes:.1f} MB, digest {info.digest[:12]}")
    return 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line; returns its exit code."""
    return run(app, "python -m tfrecords.synthetic", arguments)


if __name__ == "__main__":
    prepare()
    sys.exit(main())
