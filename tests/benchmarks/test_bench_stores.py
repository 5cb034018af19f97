"""What the benchmark of data stores compares, of few objects."""

from pathlib import Path

import pytest

from benchmarks import bench_stores
from tests.emulators.googleapis import ServerMissing


def test_both_sides_of_both_stores_copy_every_object(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench_stores, "_OBJECTS", 40)
    try:
        figures = bench_stores.run(1)
    except ServerMissing as missing:
        pytest.skip(str(missing))
    assert [row["name"] for row in figures] == [
        "Pull from S3, 40 objects of 8 kB",
        "Pull from lakeFS, 40 objects of 8 kB",
    ]
    assert all(row["ours"] > 0 < row["peer"] for row in figures)


def test_a_copy_that_lacks_an_object_is_none(tmp_path: Path) -> None:
    (tmp_path / "00000.jpg").touch()
    with pytest.raises(RuntimeError, match="Of 10000 objects 1 came"):
        bench_stores._seconds(lambda folder: None, tmp_path)
