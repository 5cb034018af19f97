"""Intervals of figures, and of differences between two models' figures."""

import numpy as np
import pytest

from pipeline.bootstrap import Counts, find_difference_intervals, find_interval


def counts(hits: list[int]) -> list[Counts]:
    return [{"hits": np.array(float(hit)), "trials": np.array(1.0)} for hit in hits]


def measure(sums: Counts) -> dict[str, float]:
    return {"share": float(sums["hits"] / sums["trials"]), "nothing": float("nan")}


def test_the_interval_of_a_share_is_that_of_the_binomial() -> None:
    hits = counts([number < 90 for number in range(100)])
    low, high = find_interval(hits, lambda sums: float(sums["hits"]) / 100)
    assert (low, high) == pytest.approx((0.84, 0.95), abs=0.015)
    assert find_interval(hits, lambda sums: float(sums["hits"]) / 100) == (low, high)


def test_a_difference_in_pairs_is_surer_than_of_two_samples() -> None:
    """Of 100 images the second model has 6 more right, and each that the first has."""
    first = counts([number < 50 for number in range(100)])
    second = counts([number < 56 for number in range(100)])
    found = find_difference_intervals(100, first, second, measure)
    assert list(found) == ["share"]
    # The normal approximation of McNemar's: 0.06 ± 1.96 · √(0.06 · 0.94 / 100).
    assert found["share"] == pytest.approx((0.0135, 0.1065), abs=0.01)


def test_models_that_answer_alike_have_no_difference() -> None:
    first = counts([number < 50 for number in range(100)])
    assert find_difference_intervals(100, first, first, measure) == {"share": (0, 0)}
    other = counts([number < 49 or number == 60 for number in range(100)])
    low, high = find_difference_intervals(100, first, other, measure)["share"]
    assert low < 0 < high
