"""Histograms by quantiles and by names."""

import math

import numpy as np
import pytest
from pydantic import ValidationError

from models.reference.histograms import Histogram, count_values


def test_numbers_are_divided_so_that_every_bin_has_as_many() -> None:
    values = np.random.default_rng(0).exponential(size=200)
    histogram = count_values(values.tolist())
    assert sum(histogram.counts) == 200 and histogram.mean == pytest.approx(values.mean())
    assert histogram.counts[0] == histogram.counts[-1] == 0
    assert min(histogram.counts[1:-2]) >= 19
    assert histogram.find_bin(-1.0) == 0
    assert histogram.find_bin(1e9) == histogram.find_bin(math.nan) == len(histogram.counts) - 1


def test_a_number_that_never_changes_has_a_bin_of_its_own() -> None:
    histogram = count_values([32.0] * 50)
    assert [histogram.find_bin(value) for value in (31.9, 32.0, 32.1)] == [0, 1, 2]
    assert histogram.counts == (0, 50, 0)


def test_of_few_numbers_there_are_few_bins() -> None:
    assert count_values([0.0, 1.0, 2.0]).counts == (0, 2, 1, 0)
    assert count_values([1.0, math.nan]).mean == 1.0
    with pytest.raises(ValueError, match="no finite number"):
        count_values([math.nan])


def test_rare_names_share_a_bin() -> None:
    histogram = count_values([f"class {n}" for n in range(30) for _ in range(n + 1)])
    assert len(histogram.names) == 20 and histogram.names[0] == "class 29"
    assert histogram.counts[-1] == sum(range(1, 11))
    assert histogram.find_bin("class 0") == histogram.find_bin("never seen") == 20
    with pytest.raises(TypeError, match="does not belong"):
        histogram.find_bin(1.0)


@pytest.mark.parametrize(
    "wrong",
    [
        {"counts": [1]},
        {"edges": [2, 1], "counts": [0, 1, 0]},
        {"edges": [1], "counts": [1]},
        {"names": ["a"], "counts": [1, -1]},
        {"names": ["a"], "edges": [1], "counts": [1, 1]},
    ],
)
def test_what_is_no_histogram_is_refused(wrong: dict) -> None:
    with pytest.raises(ValidationError, match="a histogram has"):
        Histogram.model_validate(wrong)
