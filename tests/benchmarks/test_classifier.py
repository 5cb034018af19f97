"""The comparison of two classifiers."""

from pathlib import Path

import numpy as np
import pytest

from benchmarks import bench_classifier


def test_mcnemar_asks_only_for_images_that_one_of_both_answers_right() -> None:
    ours = np.array([True] * 90 + [False] * 10)
    assert bench_classifier.mcnemar(ours, ours) == 1.0
    peer = ours.copy()
    peer[:10] = False
    assert bench_classifier.mcnemar(ours, peer) == pytest.approx(2 * 0.5**10)
    peer[-10:] = True
    assert bench_classifier.mcnemar(ours, peer) == pytest.approx(1.0)


def test_without_a_file_nothing_is_measured(capsys: pytest.CaptureFixture[str]) -> None:
    assert bench_classifier.run(1) == []
    assert "--labelled" in capsys.readouterr().out


@pytest.mark.slow
def test_both_learn_and_are_compared(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Light and dark images of ten levels."""
    rng = np.random.default_rng(0)
    labels = np.arange(160) % 10
    images = rng.integers(0, 25, (160, 32, 32, 3)) + 25 * labels[:, None, None, None]
    path = tmp_path / "data.npz"
    split = {"x_train": images[:120], "x_test": images[120:]}
    np.savez(
        path,
        **{name: values.astype(np.uint8) for name, values in split.items()},
        y_train=labels[:120],
        y_test=labels[120:],
    )
    [found] = bench_classifier.run(1, path, budget=3.0)
    assert found["unit"] == "%" and found["ours"] > 10 and found["rounds"] == 1
    assert "McNemar, p = " in capsys.readouterr().out
