"""What the benchmark of recording compares, of a short training."""

import pytest

from benchmarks import bench_tracking


def test_every_kind_of_server_is_compared_with_none(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, few in (("_IMAGES", 16), ("_SIDE", 32), ("_EPOCHS", 2), ("_PATIENCE", 0.1)):
        monkeypatch.setattr(bench_tracking, name, few)
    monkeypatch.setattr(bench_tracking, "_MODES", {"answers": "pass", "is gone": "refuse"})
    figures = bench_tracking.run(1)
    assert [(row["name"], row["unit"]) for row in figures] == [
        (f"Training whose MLflow {what}", unit)
        for what in ("answers", "is gone")
        for unit in ("CPU s", "s")
    ]
    assert all(row["ours"] > 0 < row["peer"] for row in figures)
