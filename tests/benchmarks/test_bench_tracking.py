"""What the benchmark of recording compares, of a short training."""

import pytest
import tensorflow as tf

from benchmarks import bench_tracking


def test_a_training_whose_server_goes_is_compared_with_one_that_has_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, few in (("_IMAGES", 8), ("_SIDE", 32), ("_EPOCHS", 2), ("_PATIENCE", 0.1)):
        monkeypatch.setattr(bench_tracking, name, few)
    monkeypatch.setattr(bench_tracking, "_MODES", {"is gone": "refuse"})
    tf.config.run_functions_eagerly(True)  # to trace takes longer than these few steps
    try:
        figures = bench_tracking.run(1)
    finally:
        tf.config.run_functions_eagerly(False)
    assert [(row["name"], row["unit"]) for row in figures] == [
        ("Training whose MLflow is gone", unit) for unit in ("CPU s", "s")
    ]
    assert all(row["ours"] > 0 < row["peer"] for row in figures)
