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
    assert [(row["name"], row["unit"]) for row in figures] == [
        (f"Pull from {store}, 40 objects of 8 kB{what}", unit)
        for store in ("S3", "lakeFS")
        for what, unit in (("", "objects/s"), (", processor time", "CPU s"))
    ]
    assert all(row["ours"] > 0 < row["peer"] for row in figures)


def test_a_copy_that_lacks_an_object_is_none(tmp_path: Path) -> None:
    (tmp_path / "00000.jpg").touch()
    with pytest.raises(RuntimeError, match="Of 10000 objects 1 came"):
        bench_stores._measure(lambda folder: None, tmp_path)
