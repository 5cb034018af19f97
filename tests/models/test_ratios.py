"""Bounds of shares: how sure one may be of what a sample shows."""

import numpy as np
import pytest
from scipy.stats import binomtest

from models.ratios import lower_bound, sample_needed


@pytest.mark.parametrize(("hits", "trials"), [(1, 3), (142, 150), (40, 40), (0, 5)])
def test_the_bound_equals_scipys(hits: int, trials: int) -> None:
    found = float(lower_bound(hits, trials))
    test = binomtest(hits, trials, alternative="greater")
    expected = test.proportion_ci(0.95, "exact").low
    assert found == pytest.approx(expected)


def test_of_nothing_there_is_no_bound() -> None:
    assert np.isnan(lower_bound(0, 0))


def test_the_sample_that_is_needed_is_enough_and_a_smaller_one_is_not() -> None:
    needed = sample_needed(0.95, 0.9)
    assert needed is not None
    assert lower_bound(np.floor(0.95 * needed), needed) >= 0.9
    assert lower_bound(np.floor(0.95 * needed * 0.8), needed * 0.8) < 0.9
    assert sample_needed(0.89, 0.9) is None
