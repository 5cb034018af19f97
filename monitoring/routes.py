"""Compares two labels that share the traffic."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from scipy.stats import binomtest, norm

STABLE = "stable"
# Images of each, below which nothing is said.
LEAST = 50
_CONFIDENCE = 0.95
_DEVIATIONS = float(norm.ppf((1 + _CONFIDENCE) / 2))


@dataclass(frozen=True)
class Side:
    """What is known of one label's answers.

    Attributes:
        name: of the label.
        version: that it names.
        images: how many.
        accuracy: the share of right ones, by labels or estimated.
        low: the least that it may be, with the images that there are.
        high: the most.
    """

    name: str
    version: int
    images: int
    accuracy: float
    low: float
    high: float

    @property
    def title(self) -> str:
        """For a sentence."""
        return f"{self.name} (version {self.version})"


def count_side(name: str, version: int, images: int, right: int) -> Side:
    """Of answers that labels judged; the interval is Wilson's."""
    found = binomtest(right, images).proportion_ci(_CONFIDENCE, method="wilson")
    return Side(name, version, images, right / images, found.low, found.high)


def estimate_side(name: str, version: int, images: int, total: float, squares: float) -> Side:
    """Of answers whose confidences, and their squares, sum up to this."""
    mean = total / images
    error = math.sqrt(max(squares / images - mean**2, 0.0) / images)
    return Side(name, version, images, mean, mean - _DEVIATIONS * error, mean + _DEVIATIONS * error)


def compare(sides: Mapping[str, Side], how: str) -> list[str]:
    """Compare every label with `stable`, or else with the one of the most images.

    The interval of the difference is made of the two sides' own (Newcombe, "Interval estimation for
    the difference between independent proportions", Statistics in Medicine 1998).

    Args:
        sides: by label.
        how: where the accuracies come from: `by labels`.

    Returns:
        A sentence for each.
    """
    if len(sides) < 2:
        return []
    base = sides.get(STABLE) or max(sides.values(), key=lambda side: side.images)
    return [_compare(side, base, how) for side in sides.values() if side is not base]


def _compare(one: Side, base: Side, how: str) -> str:
    fewest = min((one, base), key=lambda side: side.images)
    if fewest.images < LEAST:
        return (
            f"{one.title} and {base.title} cannot be compared {how} yet: {fewest.name} has "
            f"{fewest.images} images, and {LEAST} are the least."
        )
    difference = one.accuracy - base.accuracy
    low = difference - math.hypot(one.accuracy - one.low, base.high - base.accuracy)
    high = difference + math.hypot(one.high - one.accuracy, base.accuracy - base.low)
    if low > 0:
        told = f"{one.title} is right more often than {base.title}"
    elif high < 0:
        told = f"{one.title} is right less often than {base.title}"
    else:
        told = f"{one.title} and {base.title} cannot be told apart"
    return (
        f"{told}, {how}: accuracy {difference:+.3f} (95 % interval {low:+.3f} to {high:+.3f}), of "
        f"{one.images} and {base.images} images."
    )
