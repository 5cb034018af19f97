"""Oxford-IIIT Pet from a server of ours that has its layout: downloaded, extracted, converted."""

from __future__ import annotations

import contextlib
import io
import os
import resource
import shutil
import signal
import tarfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from tests.tfrecords.archive_server import Server, serve
from tests.tfrecords.official_pets import checksums_of, pack_official
from tfrecords import create_tfrecords_pets
from tfrecords.build import Options
from tfrecords.dataset import DatasetInfo, read_info
from tfrecords.errors import DataError
from tfrecords.shards import read_records
from tfrecords.sources.oxford_pets import convert_raw, fetch_pets, find_official_set
from tfrecords.staging import locked

PETS = Path(__file__).resolve().parents[4] / "shared" / "data" / "pets"
OPTIONS = Options()


class Official:
    """A server of archives in the official layout, and what is done with them."""

    def __init__(
        self, images: Path, trimaps: Path, train: Sequence[str], val: Sequence[str]
    ) -> None:
        self.train, self.val = list(train), list(val)
        self.packed = pack_official(images, trimaps, train, val)
        self.archives = checksums_of(self.packed)
        self.server: Server

    def create(self, folder: Path, options: Options = OPTIONS) -> DatasetInfo | None:
        """Does what the command line does with --download; None where the set is there."""
        output = str(folder / "set")
        if find_official_set(output, options, self.archives):
            return None
        raw = fetch_pets(
            str(folder / "raw"),
            base_url=self.server.url,
            archives=self.archives,
            first_wait=0.01,
        )
        return convert_raw(raw, output, options)


@pytest.fixture(scope="module")
def packed(drawn_files: Path) -> Official:
    names = sorted(path.stem for path in (drawn_files / "images").iterdir())
    return Official(drawn_files / "images", drawn_files / "trimaps", names[:15], names[15:23])


@pytest.fixture
def official(packed: Official) -> Iterator[Official]:
    """24 drawn photos: 15 train, 8 test, and one is in neither list."""
    with serve(packed.packed) as packed.server:
        yield packed


def rows_of(folder: Path, split: str) -> dict[str, dict[str, bytes]]:
    """What a split's records hold, by name."""
    rows = {}
    for path in sorted(folder.glob(f"{split}-*.tfrecord")):
        for record in read_records(str(path)):
            feature = tf.train.Example.FromString(record).features.feature
            row = {key: value.bytes_list.value[0] for key, value in feature.items()}
            rows[row["name"].decode()] = row
    return rows


def check_set(folder: Path, official: Official, info: DatasetInfo | None) -> None:
    """Holds a set against the official split and the files' oddities."""
    assert info == read_info(str(folder / "set"))
    train, val = rows_of(folder / "set", "train"), rows_of(folder / "set", "val")
    assert sorted(train) == sorted(official.train)
    copies = {duplicate.name for duplicate in info.duplicates}
    assert sorted({*val, *copies}) == sorted(official.val)
    assert not train.keys() & set(official.val)
    for name in official.train[:2]:  # a GIF and a PNG by the name of a JPEG
        photo = Image.open(io.BytesIO((folder / f"raw/images/{name}.jpg").read_bytes()))
        assert photo.format != "JPEG"
        stored = tf.io.decode_png(train[name]["image"], channels=3).numpy()
        assert stored.tobytes() == photo.convert("RGB").tobytes()
    assert info.skipped == ()
    assert info.parameters["split"] == "official"
    assert info.licence.startswith("CC BY-SA 4.0")


def test_the_official_split_is_kept(official: Official, tmp_path: Path) -> None:
    info = official.create(tmp_path)
    check_set(tmp_path, official, info)
    assert info.passed_over == {"in no list": 1, ".mat": 1, "hidden": 24}


def test_what_is_there_is_neither_downloaded_nor_converted_again(
    official: Official, tmp_path: Path
) -> None:
    info = official.create(tmp_path)
    shards = {path: path.stat().st_mtime_ns for path in (tmp_path / "set").glob("*.tfrecord")}
    assert official.create(tmp_path) is None
    assert {path: path.stat().st_mtime_ns for path in shards} == shards
    # Another size is another set, made of what was downloaded.
    smaller = official.create(tmp_path, Options(max_side=40))
    assert smaller.digest != info.digest
    for damaged in ("val-00000-of-00002.tfrecord", "dataset.json"):
        (tmp_path / "set" / damaged).write_text("{}")
        assert official.create(tmp_path, Options(max_side=40)) == smaller
    assert len(official.server.asked) == 2


def test_a_folder_that_was_deleted_is_extracted_again(official: Official, tmp_path: Path) -> None:
    official.create(tmp_path)
    shutil.rmtree(tmp_path / "raw" / "images")
    shutil.rmtree(tmp_path / "set")
    check_set(tmp_path, official, official.create(tmp_path))
    assert len(official.server.asked) == 2


def test_own_images_are_not_replaced(
    drawn_files: Path, official: Official, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own = ["--images", f"{drawn_files}/images", "--trimaps", f"{drawn_files}/trimaps"]
    output = str(tmp_path / "set")
    assert create_tfrecords_pets.main([*own, "--output", output]) == 0
    before = read_info(output)
    next((tmp_path / "set").glob("val-*")).unlink()  # not even where some are lost
    capsys.readouterr()
    downloading = ["--download", str(tmp_path / "raw"), "--output", output]
    assert create_tfrecords_pets.main(downloading) == 2
    told = f"{output} holds other images (own images), which a download does not replace; move"
    assert told in capsys.readouterr().err
    assert read_info(output) == before and not (tmp_path / "raw").exists()


def test_a_download_has_images_of_its_own(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--download", str(tmp_path), "--images", "my", "--output", f"{tmp_path}/set"]
    assert create_tfrecords_pets.main(arguments) == 2
    assert "Pass --download, or --images and --trimaps; not both." in capsys.readouterr().err
    assert create_tfrecords_pets.main(["--download", "gs://b/raw", "--output", "set"]) == 2
    told = "Cannot download to gs://b/raw; choose a folder on this machine."
    assert told in capsys.readouterr().err


def test_a_busy_server_and_a_cut_connection(official: Official, tmp_path: Path) -> None:
    half = len(official.packed["images.tar.gz"]) // 2
    (tmp_path / "raw").mkdir()
    (tmp_path / "raw" / "images.tar.gz.part").write_bytes(official.packed["images.tar.gz"][:half])
    official.server.refusals = [(503, {"Retry-After": "0"})]
    official.server.breaks = 1
    check_set(tmp_path, official, official.create(tmp_path))
    starts = [wanted for name, wanted in official.server.asked if name == "images.tar.gz"]
    assert starts[:2] == [f"bytes={half}-"] * 2 and len(starts) == 3


def test_two_downloads_at_a_time(official: Official, tmp_path: Path) -> None:
    (tmp_path / "raw").mkdir()
    with locked(str(tmp_path / "raw")), pytest.raises(DataError, match=r"Another process is writ"):
        official.create(tmp_path)
    assert official.server.asked == []
    check_set(tmp_path, official, official.create(tmp_path))


@contextlib.contextmanager
def full_beyond(size: int) -> Iterator[None]:
    """Has the kernel refuse to write beyond a size to any file, as on a disk that is full."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_disk_that_is_full(official: Official, tmp_path: Path) -> None:
    told = r"Cannot write .*raw: file too large; nothing was published, raise"
    with full_beyond(100_000), pytest.raises(DataError, match=told):
        official.create(tmp_path)
    assert (tmp_path / "raw" / "images.tar.gz.part").stat().st_size == 100_000
    for name, content in official.packed.items():
        (tmp_path / "raw" / name).write_bytes(content)
    with full_beyond(1_000), pytest.raises(DataError, match=told):  # while extracting
        official.create(tmp_path)
    assert not (tmp_path / "set").exists()
    check_set(tmp_path, official, official.create(tmp_path))
    assert not list((tmp_path / "raw").glob("*.part"))


def test_killed_while_extracting(official: Official, tmp_path: Path) -> None:
    """A child extracts until the first photo is there, cut in its middle, and is killed."""
    raw = tmp_path / "raw"
    raw.mkdir()
    for name, content in official.packed.items():
        (raw / name).write_bytes(content)
    if (child := os.fork()) == 0:
        try:
            with tarfile.open(raw / "images.tar.gz") as tar:
                first = next(iter(tar))
                tar.extract(first, raw, set_attrs=False)
                os.truncate(raw / first.name, first.size // 2)
                os.kill(os.getpid(), signal.SIGKILL)
        finally:
            os._exit(1)  # it is a copy of the tests' process, which would go on with them
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
    check_set(tmp_path, official, official.create(tmp_path))
    assert official.server.asked == []  # what lay there has the right checksum


@pytest.mark.skipif(not PETS.exists(), reason=f"no photos at {PETS}")
def test_real_photos(tmp_path: Path) -> None:
    names = {split: (PETS / f"{split}.txt").read_text().split() for split in ("train", "test")}
    official = Official(PETS / "images", PETS / "trimaps", names["train"], names["test"])
    with serve(official.packed) as official.server:
        info = official.create(tmp_path)
    check_set(tmp_path, official, info)
    assert info.counts == {"train": 578, "val": 146}
    assert len(info.breeds["train"]) == 37
    for name, row in rows_of(tmp_path / "set", "val").items():
        assert row["species"] == (b"cat" if name[0].isupper() else b"dog")
        trimap = np.asarray(Image.open(PETS / "trimaps" / f"{name}.png"))
        classes = np.asarray(Image.open(io.BytesIO(row["label"])))
        np.testing.assert_array_equal(classes, trimap - 1)
