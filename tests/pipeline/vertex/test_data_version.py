"""Shards of a version are brought to a bucket, once, and are whole when what says so is there."""

from pathlib import Path

import pytest

from pipeline.vertex.data_version import upload
from tests.emulators.gcs import GcsEmulator

FILES = {"train-00000-of-00001.tfrecord": b"train", "val-00000-of-00001.tfrecord": b"val"}


@pytest.fixture
def shards(tmp_path: Path) -> Path:
    for name, content in {**FILES, "dataset.json": b"{}", "notes.txt": b"not a shard"}.items():
        (tmp_path / name).write_bytes(content)
    return tmp_path


def found(gcs: GcsEmulator, bucket: str) -> dict[str, tuple[bytes, int]]:
    """Content and generation, which changes with every upload, by name."""
    blobs = gcs.client.list_blobs(bucket.removeprefix("gs://"))
    return {
        blob.name.rpartition("/")[2]: (blob.download_as_bytes(), blob.generation) for blob in blobs
    }


def test_what_is_there_is_not_copied_again(gcs: GcsEmulator, bucket: str, shards: Path) -> None:
    upload(gcs.client, shards, f"{bucket}/versions/v1")
    first = found(gcs, bucket)
    assert {name: content for name, (content, _) in first.items()} == {
        **FILES,
        "dataset.json": b"{}",
    }
    upload(gcs.client, shards, f"{bucket}/versions/v1")
    assert found(gcs, bucket) == first


def test_a_copy_that_was_stopped_is_gone_on_with(
    gcs: GcsEmulator, bucket: str, shards: Path
) -> None:
    begun = gcs.client.bucket(bucket.removeprefix("gs://"))
    begun.blob("versions/v1/train-00000-of-00001.tfrecord").upload_from_string(b"train")
    begun.blob("versions/v1/val-00000-of-00001.tfrecord").upload_from_string(b"other")
    before = found(gcs, bucket)
    upload(gcs.client, shards, f"{bucket}/versions/v1")
    after = found(gcs, bucket)
    kept, replaced = FILES
    assert after[kept] == before[kept]
    assert after[replaced][0] == FILES[replaced]
    assert after["dataset.json"][0] == b"{}"
