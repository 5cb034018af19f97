"""The command from the official batches of CIFAR-10 to shards, on drawn ones."""

import hashlib
import os
import pickle
import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from tests.tfrecords.archive_server import serve
from tests.tfrecords.batches import (
    array,
    draw_batches,
    listed,
    pickled,
    text,
    write_batch,
    write_batches,
)
from tfrecords import create_tfrecords_cifar10
from tfrecords.create_tfrecords_cifar10 import create_tfrecords
from tfrecords.dataset import read_info
from tfrecords.errors import DataError
from tfrecords.sources.cifar10 import CLASS_NAMES, fetch_batches, tell_missing
from tfrecords.sources.download import Archive

FEW = np.zeros((2, 3072), np.uint8)


@pytest.fixture
def batches(tmp_path: Path) -> Path:
    folder = tmp_path / "raw" / "cifar-10-batches-py"
    write_batches(folder)
    return folder


def test_every_image_is_stored_without_loss(
    batches: Path, tmp_path: Path, records_in: Callable
) -> None:
    output = tmp_path / "set"
    arguments = [f"--batches={batches}", f"--output={output}", "--calibration=0.1"]
    assert create_tfrecords_cifar10.main(arguments) == 0
    drawn = draw_batches()
    spec = {key: tf.io.FixedLenFeature([], tf.string) for key in ("image", "name")}
    spec["label"] = tf.io.FixedLenFeature([], tf.int64)
    names: dict[str, set[str]] = {}
    for split, records in records_in(output).items():
        labels = Counter()
        for row in (tf.io.parse_single_example(record, spec) for record in records):
            name = row["name"].numpy().decode()
            names.setdefault(split, set()).add(name)
            batch, number = name.split("/")
            images, classes = drawn[batch]
            stored = tf.io.decode_png(row["image"]).numpy()
            np.testing.assert_array_equal(stored, images[int(number)].transpose(1, 2, 0))
            assert row["label"] == classes[int(number)]
            labels[int(row["label"])] += 1
        assert len(labels) == 10 and len(set(labels.values())) == 1
    assert {name.split("/")[0] for name in names["val"]} == {"test_batch"}
    assert len(set.union(*names.values())) == 120
    info = read_info(str(output))
    assert info.counts == {"train": 90, "val": 20, "calibration": 10}
    assert info.class_names == CLASS_NAMES
    assert info.classes["train"] == dict.fromkeys(CLASS_NAMES, 9)


def test_the_archive_is_downloaded_and_resumed(batches: Path, tmp_path: Path) -> None:
    packed = Path(shutil.make_archive(str(tmp_path / "packed"), "gztar", batches.parent))
    content = packed.read_bytes()
    archive = Archive("cifar-10-python.tar.gz", hashlib.md5(content).hexdigest())
    with serve({archive.name: content}) as server:
        server.breaks = 1
        for _ in range(2):
            place = fetch_batches(
                str(tmp_path / "download"), base_url=server.url, archive=archive, first_wait=0.01
            )
        assert [name for name, _ in server.asked] == [archive.name] * 2
        assert server.asked[1][1] != "bytes=0-"
        server.files[archive.name] = b"something else"
        with pytest.raises(DataError, match="has the MD5 .*; expected"):
            fetch_batches(str(tmp_path / "other"), base_url=server.url, archive=archive)
    info = create_tfrecords(place, str(tmp_path / "set"))
    assert info.digest == create_tfrecords(str(batches), str(tmp_path / "set")).digest
    assert info.counts == {"train": 100, "val": 20}


class _Command:
    def __reduce__(self) -> tuple[Callable[[str], int], tuple[str]]:
        return os.system, ("touch ran",)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_batch_that_would_run_something_is_refused(
    batches: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, protocol: int
) -> None:
    monkeypatch.chdir(tmp_path)
    evil = pickle.dumps({"data": _Command(), "labels": []}, protocol)
    (batches / "data_batch_3").write_bytes(evil)
    with pytest.raises(DataError, match=r"data_batch_3 would run posix\.system, which it may not"):
        create_tfrecords(str(batches), str(tmp_path / "set"))
    assert not (tmp_path / "ran").exists() and not (tmp_path / "set").exists()
    pickle.loads(evil)
    assert (tmp_path / "ran").exists()  # it is a real one


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is cut off, damaged or no pickle"),
        (b"no pickle", "is cut off, damaged or no pickle"),
        (b"\x80\x02Nr\xff\xff\xff\xff.", "numbers a value that it does not have"),
        (pickled(data=array(FEW), labels=listed([0, 1]))[:-2000], "is cut off, damaged or no"),
        (pickle.dumps([1, 2]), "has no data and labels"),
        (pickled(labels=listed([0, 1])), "has no data and labels"),
        (pickled(data=text(b"x"), labels=listed([0, 1])), "has no data and labels"),
        (pickled(data=array(FEW), labels=text(b"01")), "has no data and labels"),
        (pickled(data=array(FEW), labels=listed([0, 10])), "has the label 10 of image 1; expected"),
        (pickled(data=array(FEW), labels=listed([-1, 0])), "has the label -1 of image 0"),
        (pickled(data=array(FEW), labels=listed([0])), r"the shape \(2, 3072\) for 1 labels"),
        (pickled(data=array(FEW[:, :9]), labels=listed([0, 1])), r"the shape \(2, 9\) for 2"),
        (pickled(data=array(FEW[:0]), labels=listed([])), r"the shape \(0, 3072\) for 0 labels"),
        (
            pickled(data=array(FEW, b"O8"), labels=listed([0, 1])),
            "holds an array of another type than uint8",
        ),
    ],
)
def test_a_batch_that_holds_something_else_is_told(
    batches: Path, tmp_path: Path, content: bytes, message: str
) -> None:
    (batches / "data_batch_2").write_bytes(content)
    with pytest.raises(DataError, match=f"data_batch_2 .*{message}.*--download") as refused:
        create_tfrecords(str(batches), str(tmp_path / "set"))
    assert "\n" not in str(refused.value)


def test_the_same_image_is_of_one_class(
    batches: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    drawn = draw_batches()
    images, labels = drawn["data_batch_2"]
    images[3] = drawn["data_batch_1"][0][4]
    images[13] = images[3]  # which is of 3's own class
    images[7] = images[17]  # this class has it twice
    write_batch(batches / "data_batch_2", images, labels)
    arguments = [f"--batches={batches}", f"--output={tmp_path}/set"]
    assert create_tfrecords_cifar10.main(arguments) == 2
    told = capsys.readouterr().err.splitlines()[-3:]
    same = "of another class, is the same image; keep one of the two"
    assert told == [
        f"  data_batch_1/0004: data_batch_2/0003, {same}",
        f"  data_batch_2/0003: data_batch_1/0004, {same}",
        f"  data_batch_2/0013: data_batch_1/0004, {same}",
    ]
    assert not (tmp_path / "set" / "dataset.json").exists()
    assert create_tfrecords_cifar10.main([*arguments, "--skip-invalid"]) == 0
    assert "skipped data_batch_2/0013: data_batch_1/0004" in capsys.readouterr().out


def test_missing_batches_are_named(batches: Path, tmp_path: Path) -> None:
    for name in ("data_batch_4", "test_batch"):
        (batches / name).unlink()
    with pytest.raises(DataError, match="lacks data_batch_4, test_batch of CIFAR-10; fetch the"):
        create_tfrecords(str(batches), str(tmp_path / "set"))


def test_batches_that_lack_images_are_told(
    batches: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = [f"--batches={batches}", f"--output={tmp_path}/set", "--calibration=0.1"]
    assert create_tfrecords_cifar10.main(arguments) == 0
    told = capsys.readouterr().out.splitlines()[-1]
    assert told.startswith("These are 100 training and 20 test images; CIFAR-10 has 50,000 and ")
    assert told.endswith("fetch the official batches by --download.")
    assert tell_missing({"train": 49_000, "val": 10_000, "calibration": 1_000}) == ""


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "Pass --download to fetch CIFAR-10, or --batches"),
        (["--batches=/none"], "/none is not there; correct the path, or pass --download."),
        (["--batches=/tmp", "--calibration=1"], "--calibration is 1.0; expected a share below 1"),
        (["--batches=/tmp", "--num-shards=0"], "--num-shards is 0; expected at least 1."),
    ],
)
def test_wrong_arguments(
    tmp_path: Path, arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert create_tfrecords_cifar10.main([f"--output={tmp_path}/set", *arguments]) == 2
    assert message in capsys.readouterr().err
