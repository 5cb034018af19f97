"""Histograms whose bins hold as many values each, or one class."""

from __future__ import annotations

import bisect
import itertools
import math
from collections import Counter
from collections.abc import Sequence

import numpy as np
from pydantic import BaseModel, ConfigDict, model_validator

# Of numbers between the least and the largest one, at most; each holds so many of them at least.
_BINS, _LEAST = 10, 8
_CLASSES = 20  # the most frequent ones, of which each has a bin


class Histogram(BaseModel):
    """Counts of numbers or of names.

    Attributes:
        edges: of numbers, ascending. The first and the last bin are open: what is below all edges,
            and what is not below the last one.
        names: the other bins' instead; the last bin has what is of none of them.
        counts: of each bin.
        mean: of numbers.
    """

    model_config = ConfigDict(frozen=True)

    edges: tuple[float, ...] = ()
    names: tuple[str, ...] = ()
    counts: tuple[int, ...]
    mean: float | None = None

    @model_validator(mode="after")
    def _fits(self) -> Histogram:
        edges, names = self.edges, self.names
        ascending = all(low < high for low, high in itertools.pairwise(edges))
        if bool(edges) == bool(names) or not ascending or min(self.counts, default=-1) < 0:
            raise ValueError("a histogram has ascending edges, or names, and no negative counts")
        if len(self.counts) != len(edges or names) + 1:
            raise ValueError("a histogram has one count more than edges or names")
        return self

    def find_bin(self, value: float | str) -> int:
        """Return the number of the bin that a value falls into.

        Raises:
            TypeError: it is a number among names, or the other way round.
        """
        if isinstance(value, str) != bool(self.names):
            raise TypeError(f"{value!r} does not belong to this histogram")
        if isinstance(value, str):
            return self.names.index(value) if value in self.names else len(self.names)
        return bisect.bisect_right(self.edges, value)


def count_values(values: Sequence[float | str]) -> Histogram:
    """Make a histogram of its own values.

    Numbers are divided at their quantiles, so that no bin depends on how they are distributed. A
    number that occurs often, such as the size where all images have one, has a bin of its own.

    Args:
        values: names, or numbers, of which those that are not finite are left out.

    Raises:
        ValueError: nothing is left.
    """
    names = [value for value in values if isinstance(value, str)]
    if names:
        frequent = Counter(names).most_common(_CLASSES)
        counted = sum(count for _, count in frequent)
        return Histogram(
            names=tuple(name for name, _ in frequent),
            counts=(*(count for _, count in frequent), len(names) - counted),
        )
    finite = [value for value in values if not isinstance(value, str) and math.isfinite(value)]
    numbers = np.array(finite, np.float64)
    if not numbers.size:
        raise ValueError("There is no finite number to count.")
    shares = np.linspace(0, 1, min(_BINS, max(1, numbers.size // _LEAST)) + 1)
    edges = np.unique(np.quantile(numbers, shares, method="lower"))
    edges = np.append(edges, np.nextafter(edges[-1], np.inf))
    places = np.searchsorted(edges, numbers, side="right")
    return Histogram(
        edges=tuple(edges.tolist()),
        counts=tuple(np.bincount(places, minlength=len(edges) + 1).tolist()),
        mean=float(numbers.mean()),
    )
