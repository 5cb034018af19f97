"""The interval of a network's figure."""

import numpy as np
import pytest

from pipeline.zoo.judging import find_interval


def test_the_interval_of_a_share_is_that_of_the_binomial() -> None:
    hits = [{"hits": np.array(float(number < 90))} for number in range(100)]
    low, high = find_interval(hits, lambda sums: float(sums["hits"]) / 100)
    assert (low, high) == pytest.approx((0.84, 0.95), abs=0.015)
    assert find_interval(hits, lambda sums: float(sums["hits"]) / 100) == (low, high)
