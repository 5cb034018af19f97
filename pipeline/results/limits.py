"""The limits of a recipe, held against figures that are recorded somewhere."""

import math
from collections.abc import Mapping

from models.registry import load_task
from models.task import margin
from pipeline.recipe import Recipe


def tell_misses(recipe: Recipe, figures: Mapping[str, float]) -> list[str]:
    """Return what a model does not reach of its recipe's limits, a sentence each; empty if nothing.

    What the gate compares with the last blessed model, and what it asks of slices, is not told.

    Args:
        recipe: with limits.
        figures: of the whole validation split, by the metric's key.
    """
    measured = load_task(recipe.task).measured(recipe.class_names)
    misses = []
    for key, limit in recipe.gate.limits.items():
        one, value = measured[key], figures.get(key, math.nan)
        if math.isnan(value):
            misses.append(f"{one.words} was not measured, so its limit {limit:.3f} is not met")
        elif margin(value, limit, one.metric.sign) < 0:
            misses.append(one.tell_miss(value, limit))
    return misses
