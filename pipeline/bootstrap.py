"""Intervals by the bootstrap's percentiles, of figures of counts that add up over images.

Efron, "Bootstrap methods: another look at the jackknife", Annals of Statistics 1979.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

import numpy as np
import numpy.typing as npt

Counts = Mapping[str, npt.NDArray[np.float64]]

_RESAMPLES = 1000
_PERCENTILES = (2.5, 97.5)
_BATCH = 64  # images whose counts are added up at a time


def find_interval(
    counts: Sequence[Counts], measure: Callable[[Counts], float], seed: int = 0
) -> tuple[float, float]:
    """Return the 95 % interval of a figure.

    Args:
        counts: of each image, which add up.
        measure: the figure of their sums.
        seed: of the resampling.
    """
    sums = _sum_drawn(counts, _draw(len(counts), seed))
    return _interval([measure(one) for one in sums])


def find_difference_intervals(
    total: int,
    first: Iterable[Counts],
    second: Iterable[Counts],
    measure: Callable[[Counts], Mapping[str, float]],
) -> dict[str, tuple[float, float]]:
    """Return 95 % intervals of the differences of two models' figures on the same images.

    Args:
        total: number of images.
        first: counts of each image by one model; they are read once, and not kept.
        second: by the other one, in the same order, likewise.
        measure: the figures of counts' sums, by name.

    Returns:
        By name, of second minus first; without those that no resample has.
    """
    drawn = _draw(total)
    differences: dict[str, list[float]] = {}
    for one, other in zip(_sum_drawn(first, drawn), _sum_drawn(second, drawn), strict=True):
        before, after = measure(one), measure(other)
        for name in before:
            differences.setdefault(name, []).append(after[name] - before[name])
    return {
        name: _interval(values)
        for name, values in differences.items()
        if not np.isnan(values).all()
    }


def _draw(total: int, seed: int = 0) -> npt.NDArray[np.float64]:
    """Tell how often each image is drawn, by resample: [resamples, total]."""
    random = np.random.default_rng(seed)
    drawn = random.multinomial(total, np.full(total, 1 / total), size=_RESAMPLES)
    return drawn.astype(np.float64)


def _sum_drawn(counts: Iterable[Counts], drawn: npt.NDArray[np.float64]) -> Iterator[Counts]:
    """Yield the sums of every resample, of each image's counts."""
    sums: dict[str, npt.NDArray[np.float64]] = {}
    left, begin = iter(counts), 0
    while batch := list(itertools.islice(left, _BATCH)):
        times = drawn[:, begin : begin + len(batch)]
        for name in batch[0]:
            added = np.tensordot(times, np.stack([one[name] for one in batch]), axes=1)
            sums[name] = sums.get(name, 0) + added
        begin += len(batch)
    for number in range(len(drawn)):
        yield {name: of_all[number] for name, of_all in sums.items()}


def _interval(values: Sequence[float]) -> tuple[float, float]:
    """By a figure's value of every resample; NaN does not count."""
    low, high = np.nanpercentile(values, _PERCENTILES)
    return float(low), float(high)
