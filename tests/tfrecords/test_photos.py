"""Photos of a validation split as files."""

import os
from pathlib import Path

import pytest

from tfrecords import create_tfrecords_pets
from tfrecords.photos import write_photos


@pytest.fixture
def data(drawn_files: Path, tmp_path: Path) -> Path:
    """Shards of drawn photos, four of which validate."""
    folders = ["--images", f"{drawn_files}/images", "--trimaps", f"{drawn_files}/trimaps"]
    assert create_tfrecords_pets.main([*folders, "--output", f"{tmp_path}/data"]) == 0
    return tmp_path / "data"


def test_photos_are_those_that_validate(drawn_files: Path, data: Path, tmp_path: Path) -> None:
    folder = tmp_path / "runs" / "photos"
    assert write_photos(str(data), folder) == 4
    assert sorted(os.listdir(folder)) == ["1.jpg", "2.jpg", "3.jpg", "4.jpg"]
    drawn = {path.read_bytes() for path in (drawn_files / "images").iterdir()}
    assert {path.read_bytes() for path in folder.iterdir()} <= drawn
    (folder / "9.jpg").touch()
    assert write_photos(str(data), folder) == 4
    assert not (folder / "9.jpg").exists()


def test_without_data_to_read_there_are_none(data: Path, tmp_path: Path) -> None:
    folder = tmp_path / "photos"
    assert write_photos(str(tmp_path / "nowhere"), folder) == 0
    assert write_photos("gs://bucket/data", folder) == 0
    assert write_photos(str(data), data / "dataset.json") == 0  # which is no folder
    for shard in data.glob("val-*"):
        shard.write_bytes(shard.read_bytes()[:-9])
    assert write_photos(str(data), folder) == 0
    assert not folder.exists() and (data / "dataset.json").is_file()
