"""A recipe's limits, held against recorded figures."""

import math

import pytest

from pipeline.recipe import Gate
from pipeline.recipes import load_recipe
from pipeline.results.limits import tell_misses

LIMITS = {"accuracy": 0.5, "calibration_error": 0.1, "f1_cat": 0.3}


@pytest.mark.parametrize(
    ("figures", "misses"),
    [
        ({"accuracy": 0.5, "calibration_error": 0.1, "f1_cat": 0.3}, []),
        (
            {"accuracy": 0.4, "calibration_error": 0.2, "f1_cat": 0.3},
            ["accuracy 0.400 is below 0.500", "expected calibration error 0.200 is above 0.100"],
        ),
        (
            {"accuracy": 0.9, "calibration_error": 0.0, "f1_cat": math.nan},
            ["cat f1 was not measured, so its limit 0.300 is not met"],
        ),
        (
            {"accuracy": 0.9, "calibration_error": 0.0},
            ["cat f1 was not measured, so its limit 0.300 is not met"],
        ),
    ],
)
def test_a_limit_follows_the_direction_of_its_metric(
    figures: dict[str, float], misses: list[str]
) -> None:
    gate = Gate(limits=LIMITS, max_drop=0)
    recipe = load_recipe("cifar10").model_copy(update={"gate": gate})
    assert tell_misses(recipe, figures) == misses
