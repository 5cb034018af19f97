"""Every record is held against schema and classes, on shards of small drawn images."""

import io
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pipeline.checks.records import check_records
from pipeline.configs import Settings, load_settings
from tests.conftest import REPOSITORY
from tfrecords.errors import DataError
from tfrecords.example import ClassifiedImage, LabelledImage
from tfrecords.shards import read_records, shard_name, write_records

CLASSES = np.arange(16 * 12, dtype=np.uint8).reshape(12, 16) % 3


def encode(pixels: np.ndarray | Image.Image, kind: str = "PNG") -> bytes:
    file = io.BytesIO()
    image = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
    image.save(file, kind)
    return file.getvalue()


IMAGE = encode(np.zeros((12, 16, 3), np.uint8), "JPEG")
MASK = encode(CLASSES)


def record(name: str = "leaf_1", image: bytes = IMAGE, label: bytes = MASK) -> bytes:
    return LabelledImage(name, "leaf", "plant", image, label).serialize()


def with_palette() -> Image.Image:
    mask = Image.fromarray(CLASSES)
    mask.putpalette([0, 0, 0, 128, 0, 0, 0, 128, 0])
    return mask


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load_settings(
        env_file=tmp_path / "none",
        data_root=str(tmp_path / "data"),
        pipeline_root=str(tmp_path / "pipeline"),
    )


@pytest.fixture
def check(settings: Settings) -> Callable[[], str]:
    return lambda: check_records(settings, settings.load_recipe())


@pytest.fixture
def shards(settings: Settings) -> Callable[..., Path]:
    """Writes two shards of the validation split and one for training, which holds `records`."""
    folder = Path(settings.data_root)

    def write(*records: bytes) -> Path:
        folder.mkdir(exist_ok=True)
        for index in range(2):
            write_records(str(folder / shard_name("val", index, 2)), [record()])
        path = folder / shard_name("train", 0, 1)
        write_records(str(path), records)
        return path

    return write


def test_sound_records_are_counted(shards, check, settings: Settings) -> None:
    shards(record(), record())
    side = settings.load_recipe().image_size
    said = f"; their images, 16x12 pixels, are resized to {side}x{side}"
    assert check() == f"all 4 records fit recipe scenes{said}"


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (record("x", image=b"no image"), "'x': image: Unknown image file format"),
        (record("x", image=IMAGE[: len(IMAGE) // 2]), "'x': image: .*JPEG"),
        (record("x", label=b"no mask"), "'x': label: Unknown image file format"),
        (record("x", label=MASK[:-30]), "'x': label: Invalid PNG"),
        (record("x", label=encode(CLASSES, "JPEG")), "'x': the mask is no PNG; .*sources.masks"),
        (record("x", label=encode(with_palette())), "'x': the mask is a PNG of palette"),
        (record("x", label=encode(np.stack([CLASSES] * 3, -1))), "'x': the mask is a PNG of RGB"),
        (record("x", label=encode(CLASSES > 1)), "'x': the mask is a PNG of 1 bits"),
        (record("x", label=encode(CLASSES.astype(np.uint16))), "'x': the mask is a PNG of 16 bits"),
        (
            record("x", label=encode(CLASSES[:6])),
            "'x': the image is 16x12, its mask 16x6 pixels",
        ),
        (record("x", label=encode(CLASSES * 127)), "'x': the mask holds 127, 254, of 3 class ids"),
        (record("x").replace(b"breed", b"bread"), "'x': .*breed"),
        (b"\xff", "it is no tf.train.Example"),
    ],
)
def test_a_bad_record_is_named(shards, check, bad: bytes, reason: str) -> None:
    path = shards(record(), record(), bad, record())
    with pytest.raises(DataError, match=f"1 of 6 records .*\n  {path}, record 2[,:] {reason}"):
        check()


def test_pixels_of_no_class_are_the_recipes_to_allow(shards, check, settings: Settings) -> None:
    shards(record("x", label=encode(np.where(CLASSES == 1, 255, CLASSES).astype(np.uint8))))
    with pytest.raises(DataError, match="'x': the mask holds 255, of 3 class ids"):
        check()
    recipe = settings.load_recipe().with_overrides({"ignore_label": 255})
    assert check_records(settings, recipe).startswith("all 3 records fit recipe scenes")
    with pytest.raises(DataError, match="'x': the mask holds 255, of 3 class ids"):
        check()


def test_the_first_ten_of_many_are_named(shards, check) -> None:
    shards(*(record(f"leaf_{n}", label=encode(CLASSES + 2)) for n in range(15)))
    with pytest.raises(DataError) as caught:
        check()
    heading, *lines = str(caught.value).splitlines()
    assert heading.startswith("15 of 17 records do not fit recipe scenes")
    assert [line.split(", ")[1] for line in lines[:-1]] == [f"record {n}" for n in range(10)]
    assert lines[-1].strip() == "and 5 more"


def test_what_was_found_good_is_not_read_again(shards, check) -> None:
    path = shards(record("sound"))
    said, written = check(), path.stat()
    whole = path.read_bytes()
    path.write_bytes(whole.replace(b"sound", b"spoil"))
    os.utime(path, ns=(written.st_atime_ns, written.st_mtime_ns))
    assert check() == said
    os.utime(path)
    with pytest.raises(DataError, match=f"{path} is damaged: the checksum of record 0 is wrong"):
        check()
    path.write_bytes(whole)
    assert check() == said


def test_what_was_found_bad_is_not_kept(shards, check) -> None:
    shards(record(label=encode(CLASSES + 1)))
    for _ in range(2):
        with pytest.raises(DataError, match="the mask holds 3, of 3 class ids"):
            check()


def test_a_broken_memory_is_read_over(shards, check, settings: Settings) -> None:
    shards(record())
    check()
    [memory] = Path(settings.pipeline_root).iterdir()
    memory.write_text("[]")
    assert check().startswith("all 3 records fit recipe scenes")
    assert memory.read_text().startswith("{")


def test_a_class_that_never_occurs_is_named_each_time(shards, check, settings: Settings) -> None:
    shards(record())
    for path in Path(settings.data_root).glob("val-*"):
        assert list(read_records(str(path))) == [record()]
        write_records(str(path), [record(label=encode(CLASSES // 2))])
    for _ in range(2):
        with pytest.raises(
            DataError, match="border does not occur in .*val-.*leave its limits out"
        ):
            check()


def classified(name: str, label: int) -> bytes:
    """A record whose label is a class id, int64; negative ones as protobuf writes them."""
    return ClassifiedImage(name, IMAGE, label % 2**64).serialize()


@pytest.fixture
def shapes(settings: Settings) -> Settings:
    """Settings of a recipe of three classes, and a record of each class in two of the splits."""
    folder = Path(settings.data_root)
    folder.mkdir()
    for split in ("val", "calibration"):
        records = [classified(f"{split}_{label}", label) for label in range(3)]
        write_records(str(folder / shard_name(split, 0, 1)), records)
    recipe = str(REPOSITORY / "tests" / "recipes" / "shapes.toml")
    return settings.model_copy(update={"recipe": recipe})


def test_class_ids_are_held_against_the_class_names(shapes: Settings) -> None:
    recipe = shapes.load_recipe()
    train = Path(shapes.data_root) / shard_name("train", 0, 1)
    write_records(str(train), [classified(f"train_{label}", label) for label in range(3)])
    said = "; their images, 16x12 pixels, are resized to 32x32"
    assert check_records(shapes, recipe) == f"all 9 records fit recipe shapes{said}"
    wrong = [classified("over", 3), classified("below", -1), classified("far", 2**33)]
    write_records(str(train), [classified("good", 2), *wrong, record("a mask")])
    with pytest.raises(DataError) as caught:
        check_records(shapes, recipe)
    heading, *lines = str(caught.value).splitlines()
    assert heading.startswith("4 of 11 records do not fit recipe shapes")
    said = "and not one of the class ids 0 to 2; convert the images with"
    for line, (name, value) in zip(
        lines, (("over", 3), ("below", -1), ("far", 2**33)), strict=False
    ):
        assert f"{name!r}: the label is {value}, {said}" in line
    assert "'a mask': Key: label.  Data types don't match. Data type: string" in lines[3]


def test_a_class_that_no_image_is_of_cannot_be_judged(shapes: Settings) -> None:
    folder = Path(shapes.data_root)
    write_records(str(folder / shard_name("train", 0, 1)), [classified("train", 0)])
    write_records(str(folder / shard_name("val", 0, 1)), [classified("val", 0)])
    with pytest.raises(DataError, match="cross does not occur in .*val-.*leave its limits out"):
        check_records(shapes, shapes.load_recipe())


def test_images_of_another_size_are_told_each_time(shapes: Settings) -> None:
    def write(*sides: tuple[int, int]) -> None:
        for split in ("train", "val", "calibration"):
            records = [
                ClassifiedImage(f"{split}_{n}", encode(np.zeros((*side, 3), np.uint8)), n % 3)
                for n, side in enumerate(sides * 3)
            ]
            path = Path(shapes.data_root) / shard_name(split, 0, 1)
            write_records(str(path), [record.serialize() for record in records])

    recipe = shapes.load_recipe()
    write((32, 32))
    assert check_records(shapes, recipe) == "all 9 records fit recipe shapes"
    write((32, 32), (20, 40), (64, 48))
    for _ in range(2):
        assert check_records(shapes, recipe).endswith(
            "; their images, 40x20 to 48x64 pixels, are resized to 32x32"
        )
