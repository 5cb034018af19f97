"""The command from class folders to shards, on drawn photos and on real ones."""

import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from PIL import ExifTags, Image

from tfrecords import create_tfrecords_class_folders
from tfrecords.build import Options
from tfrecords.create_tfrecords_class_folders import create_tfrecords
from tfrecords.dataset import DatasetInfo, read_info
from tfrecords.errors import DataError
from tfrecords.shards import verify_shards

CLASSES = ("bird", "cat", "dog")
COUNT = 10  # images of each class


def draw(path: Path, number: int) -> None:
    """Writes noise of its own for each number, in colours that no other has."""
    path.parent.mkdir(parents=True, exist_ok=True)
    noise = np.random.default_rng(number).integers(0, 256, (6, 8, 3), np.uint8)
    Image.fromarray(noise).resize((40, 30)).save(path)


@pytest.fixture(scope="session")
def drawn_classes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten photos each of three classes; not to be changed."""
    folder = tmp_path_factory.mktemp("classes")
    for number in range(len(CLASSES) * COUNT):
        draw(folder / CLASSES[number % 3] / f"{number:02d}.jpg", number)
    return folder


@pytest.fixture
def raw(drawn_classes: Path, tmp_path: Path) -> Path:
    """A copy that a test may spoil."""
    return Path(shutil.copytree(drawn_classes, tmp_path / "raw"))


def convert(images: Path | str, output: Path, **options: Any) -> DatasetInfo:
    own = {key: options.pop(key) for key in set(options) & set(Options._fields)}
    return create_tfrecords(str(images), str(output), Options(**own), **options)


def run(raw: Path, *more: str) -> int:
    output = raw.parent / "set"
    return create_tfrecords_class_folders.main([f"--images={raw}", f"--output={output}", *more])


def parsed(record: bytes) -> dict[str, Any]:
    """A record's features, as the pipeline parses them."""
    spec = {key: tf.io.FixedLenFeature([], tf.string) for key in ("image", "name")}
    spec["label"] = tf.io.FixedLenFeature([], tf.int64)
    return {key: value.numpy() for key, value in tf.io.parse_single_example(record, spec).items()}


def test_every_image_is_in_one_split_with_its_class(
    raw: Path, tmp_path: Path, records_in: Callable
) -> None:
    info = convert(raw, tmp_path / "set", val_share=0.2, calibration=0.1, num_shards=3)
    records = records_in(tmp_path / "set")
    rows = {split: [parsed(record) for record in found] for split, found in records.items()}
    names = [row["name"].decode() for found in rows.values() for row in found]
    assert len(names) == len(set(names)) == 30
    for row in (row for found in rows.values() for row in found):
        name = row["name"].decode()
        assert row["image"] == (raw / f"{name}.jpg").read_bytes()  # small: untouched
        assert CLASSES[row["label"]] == name.split("/")[0]
    shares = {"train": 7, "val": 2, "calibration": 1}
    for split, found in rows.items():
        assert Counter(row["label"] for row in found) == dict.fromkeys(range(3), shares[split])
    assert info == read_info(str(tmp_path / "set"))
    assert info.class_names == CLASSES
    assert info.classes == {split: dict.fromkeys(CLASSES, n) for split, n in shares.items()}
    assert info.shards == {"train": 3, "val": 1, "calibration": 1}
    assert verify_shards(f"{tmp_path}/set/calibration-*") == 3


def test_the_splits_depend_on_the_images_alone(
    raw: Path, tmp_path: Path, records_in: Callable
) -> None:
    def held_out(images: Path, output: str, **options: Any) -> set[bytes]:
        info = convert(images, tmp_path / output, calibration=0.1, **options)
        assert info.parameters["split"] == "by content"
        return {parsed(record)["image"] for record in records_in(tmp_path / output)["val"]}

    before = held_out(raw, "set")
    assert held_out(raw, "again", num_shards=1) == before
    birds = {path.read_bytes() for path in (raw / "bird").iterdir()}
    shutil.rmtree(raw / "bird")
    for number, path in enumerate(sorted((raw / "cat").iterdir())):
        path.rename(path.with_name(f"renamed-{-number}.jpg"))
    assert held_out(raw, "fewer") == before - birds


def test_folders_tell_the_splits(raw: Path, tmp_path: Path, records_in: Callable) -> None:
    for split, ending in (("Train", "[0-7]"), ("valid", "[89]")):
        for path in sorted(raw.glob(f"*/*{ending}.jpg")):
            (tmp_path / "more" / split / path.parent.name).mkdir(parents=True, exist_ok=True)
            shutil.copy(path, tmp_path / "more" / split / path.parent.name / path.name)
    info = convert(tmp_path / "more", tmp_path / "set", calibration=0.25)
    assert info.counts == {"train": 18, "val": 6, "calibration": 6}
    assert info.parameters["split"] == "by folders"
    records = records_in(tmp_path / "set")
    assert {parsed(record)["name"].split(b"/")[0] for record in records["val"]} == {b"valid"}
    for path in sorted((tmp_path / "more" / "Train").glob("*/0*.jpg")):
        to = tmp_path / "more" / "calibration" / path.parent.name
        to.mkdir(parents=True, exist_ok=True)
        path.rename(to / path.name)
    info = convert(tmp_path / "more", tmp_path / "set", calibration=0.25)
    assert info.counts == {"train": 16, "val": 6, "calibration": 8}
    shutil.move(tmp_path / "more" / "valid", tmp_path / "valid")
    by_name = convert(tmp_path / "more", tmp_path / "set", val_share=0.25)
    assert by_name.counts == {"train": 12, "val": 4, "calibration": 8}
    shutil.move(tmp_path / "valid", tmp_path / "more" / "valid")
    convert(tmp_path / "more", tmp_path / "set", calibration=0.25)
    for name in ("test", "train"):
        (tmp_path / "more" / name / "cat").mkdir(parents=True)
        draw(tmp_path / "more" / name / "cat" / "x.jpg", 99)
    with pytest.raises(DataError, match="holds Train and train, and one folder makes the train"):
        convert(tmp_path / "more", tmp_path / "set")
    shutil.rmtree(tmp_path / "more" / "train")
    with pytest.raises(DataError, match="holds test and valid, and one folder makes the val"):
        convert(tmp_path / "more", tmp_path / "set")
    shutil.rmtree(tmp_path / "more" / "test")
    shutil.rmtree(tmp_path / "more" / "valid" / "cat")
    with pytest.raises(DataError, match="cat is in no image of the val split; add images there"):
        convert(tmp_path / "more", tmp_path / "set")
    assert read_info(str(tmp_path / "set")) == info


def test_an_archive_makes_the_same_set(raw: Path, tmp_path: Path) -> None:
    digest = convert(raw, tmp_path / "set").digest
    packed = shutil.make_archive(str(tmp_path / "raw"), "zip", raw)
    assert convert(packed, tmp_path / "set").digest == digest
    packed = shutil.make_archive(str(tmp_path / "raw"), "gztar", tmp_path, "raw")
    assert convert(packed, tmp_path / "set").digest == digest != ""
    by_beam = convert(f"bucket://{packed}", tmp_path / "set", beam_args=["--runner=DirectRunner"])
    assert by_beam.digest == digest
    assert convert(f"bucket://{raw}", tmp_path / "set").digest == digest
    (raw / "fox" / "den").mkdir(parents=True)
    for kind in ("zip", "tar"):
        packed = shutil.make_archive(str(tmp_path / "raw"), kind, tmp_path, "raw")
        with pytest.raises(DataError, match=r"fox: class folder holds no image; add some"):
            convert(packed, tmp_path / "set")


def test_classes_in_an_order_of_ones_own(raw: Path, tmp_path: Path, records_in: Callable) -> None:
    info = convert(raw, tmp_path / "set", class_names="dog, bird,cat")
    assert info.class_names == ("dog", "bird", "cat")
    row = parsed(records_in(tmp_path / "set")["val"][0])
    assert info.class_names[row["label"]] == row["name"].decode().split("/")[0]
    for given in ("dog,bird", "dog,bird,cat,cat", "dog,bird,fox"):
        with pytest.raises(DataError, match="the folders are those of bird, cat, dog; name each"):
            convert(raw, tmp_path / "set", class_names=given)


def test_what_lies_in_no_class_is_named(
    raw: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (raw / "fox").mkdir()
    (raw / "wolf").mkdir()
    (raw / "wolf" / "notes.txt").touch()
    draw(raw / "outside.jpg", 50)
    draw(raw / "cat" / "siamese" / "1.jpg", 51)
    draw(raw / "cat" / "siamese" / "2.jpg", 52)
    draw(raw / "dog" / "02.png", 53)
    draw(raw / "dog" / "new\nline.jpg", 54)
    (raw / "dog" / "05.jpg").write_bytes(b"no image")
    assert run(raw) == 2
    first, *told = capsys.readouterr().err.splitlines()
    assert first == "6 files cannot be used; correct them or pass --skip-invalid:"
    expected = {
        "cat/siamese": "folder within a class's folder, with 2 images; move them up to cat, or",
        "dog/02": "two images share this name: dog/02.jpg and dog/02.png",
        r"dog/new\nline": "file name is not printable UTF-8 text; rename the file",
        "fox": "class folder holds no image; add some, or remove it",
        "outside.jpg": "outside any class's folder; move it into one, or away",
        "wolf": "class folder holds no image; add some, or remove it",
    }
    for line, (name, reason) in zip(told, expected.items(), strict=True):
        assert line.startswith(f"  {name}: {reason}")
    assert not (tmp_path / "set").exists()
    assert run(raw, "--skip-invalid") == 0
    info = read_info(str(tmp_path / "set"))
    skipped = [fault.name for fault in info.skipped]
    assert skipped == sorted([*expected, "dog/05"])
    assert info.passed_over == {".txt": 1}
    assert sum(info.counts.values()) == 28


def test_hidden_folders_are_passed_over(
    raw: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for place in (".ipynb_checkpoints", "cat/.ipynb_checkpoints", "__MACOSX/cat", ".git"):
        draw(raw / place / "copy.jpg", 60)
    (raw / ".empty").mkdir()
    assert run(raw) == 0
    info = read_info(str(tmp_path / "set"))
    assert (info.class_names, info.passed_over) == (CLASSES, {"hidden": 4})
    assert "passed over: 4 hidden" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("moves", "message"),
    [
        ({"bird": "", "cat": ""}, "All images are of one class, dog; expected two classes or more"),
        ({"bird": "Cat"}, "The classes Cat and cat differ in upper and lower case or blanks alone"),
        ({"bird": "cat "}, "The classes cat and cat  differ in upper and lower case or blanks"),
    ],
)
def test_classes_that_cannot_be_learned(
    raw: Path, tmp_path: Path, moves: dict[str, str], message: str
) -> None:
    for old, new in moves.items():
        shutil.move(raw / old, raw / new if new else tmp_path / old)
    with pytest.raises(DataError, match=message):
        convert(raw, tmp_path / "set")


def test_one_image_of_a_class_is_too_few(raw: Path, tmp_path: Path) -> None:
    draw(raw / "fox" / "1.jpg", 70)
    draw(raw / "fox" / "2.jpg", 71)
    assert convert(raw, tmp_path / "set").classes["val"]["fox"] == 1
    with pytest.raises(DataError, match="fox has 2 images to share among train, val, calibration"):
        convert(raw, tmp_path / "set", calibration=0.1)


def test_a_class_that_loses_its_images_is_told(
    raw: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for path in (raw / "cat").iterdir():
        path.write_bytes(b"no image")
    assert run(raw, "--skip-invalid") == 2
    assert "No image of cat is left for the train split" in capsys.readouterr().err
    shutil.rmtree(raw / "cat")
    only = (raw / "dog" / "02.jpg").read_bytes()
    for path in (raw / "dog").iterdir():
        path.write_bytes(only)
    assert run(raw) == 2
    assert "No image of dog is left for the val split" in capsys.readouterr().err
    assert not (tmp_path / "set" / "dataset.json").exists()


def test_the_same_image_is_of_one_class(
    raw: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with Image.open(raw / "bird" / "00.jpg") as photo:
        photo.save(raw / "cat" / "copied.png")
    shutil.copy(raw / "bird" / "03.jpg", raw / "bird" / "copied.jpg")  # this class has it twice
    assert run(raw, "--val-share=0.2", "--keep-duplicates") == 2
    told = capsys.readouterr().err.splitlines()[-2:]
    same = "of another class, is the same image; keep one of the two"
    assert told == [f"  bird/00: cat/copied, {same}", f"  cat/copied: bird/00, {same}"]
    assert run(raw, "--val-share=0.2", "--skip-invalid", "--keep-duplicates") == 0
    assert sum(read_info(str(tmp_path / "set")).counts.values()) == 30


def test_no_photo_is_in_two_splits(raw: Path, tmp_path: Path, records_in: Callable) -> None:
    for path in sorted(raw.glob("cat/*.jpg"))[:4]:
        for number in range(3):
            shutil.copy(path, path.with_name(f"{path.stem}_{number}.jpg"))
    info = convert(raw, tmp_path / "set", val_share=0.2, calibration=0.2)
    seen: dict[bytes, set[str]] = {}
    for split, records in records_in(tmp_path / "set").items():
        for record in records:
            seen.setdefault(parsed(record)["image"], set()).add(split)
    assert max(map(len, seen.values())) == 1 and set.union(*seen.values()) == set(info.counts)
    kept = convert(raw, tmp_path / "set", val_share=0.2, calibration=0.2, keep_duplicates=True)
    assert kept.duplicates == info.duplicates != ()
    assert sum(kept.counts.values()) == 42 == sum(info.counts.values()) + len(info.duplicates)


def test_photos_are_shown_as_viewers_show_them(
    raw: Path, tmp_path: Path, records_in: Callable
) -> None:
    turned = Image.Exif()
    turned[ExifTags.Base.Orientation] = 6
    with Image.open(raw / "bird" / "00.jpg") as photo:
        photo.save(raw / "bird" / "00.jpg", exif=turned)
        photo.resize((600, 450)).save(raw / "bird" / "large.webp")
    info = convert(raw, tmp_path / "set")
    assert info.changed == {"turned upright, as EXIF says": 1}
    records = records_in(tmp_path / "set")
    rows = {row["name"]: row for split in records.values() for row in map(parsed, split)}
    shapes = {name: tf.io.decode_image(row["image"]).shape for name, row in rows.items()}
    assert shapes[b"bird/00"] == (40, 30, 3)
    assert shapes[b"bird/large"] == (192, 256, 3)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--images=/none"], "No images in /none; expected files in CLASS/"),
        (["--images=/none.zip"], "/none.zip is not there; correct the path."),
        (["--val-share=1"], "--val-share is 1.0; expected a share below 1, such as 0.1."),
        (["--val-share=0"], "--val-share is 0, and no folder has the images that judge"),
        (["--val-share=0.5", "--calibration=0.5"], "--val-share and --calibration add up to 1.0"),
        (["--max-side=0"], "--max-side is 0; expected at least 1."),
        (["--calibrate=0.1"], "Unknown option --calibrate; see --help"),
    ],
)
def test_wrong_arguments(
    raw: Path,
    tmp_path: Path,
    arguments: list[str],
    message: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(raw, *arguments) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "set").exists()
