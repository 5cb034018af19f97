"""What the benchmark of the converters compares."""

from pathlib import Path

import pytest

from benchmarks import bench_tfrecords
from tfrecords.build import Options
from tfrecords.create_tfrecords_class_folders import create_tfrecords
from tfrecords.shards import verify_shards


def test_both_write_every_small_image(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench_tfrecords, "_SMALL", 40)
    packed, peer = tmp_path / "images.tar.gz", tmp_path / "peer"
    bench_tfrecords._draw_small(packed)
    bench_tfrecords._write_unchecked(packed, str(peer))
    info = create_tfrecords(str(packed), str(tmp_path / "ours"), Options())
    assert verify_shards(f"{peer}/*.tfrecord") == sum(info.counts.values()) == 40
    assert len(info.class_names) == 10
