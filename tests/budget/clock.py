"""Processor time of this process and all that it started."""

import contextlib
import os
import time
from dataclasses import dataclass

import psutil

# Looking at the processes that are alive takes 10 ms: what is quicker than this is spared it.
_QUICK = 0.5  # s


@dataclass(frozen=True)
class Spent:
    """What something took.

    Attributes:
        seconds: of the clock.
        processor: seconds of all processors, in this process and its descendants.
    """

    seconds: float
    processor: float


class Stopwatch:
    """Measures from when it is made."""

    _alive = 0.0  # processor time of the descendants that were alive at the last look

    def __init__(self) -> None:
        self._began = time.perf_counter()
        self._before = _own() + Stopwatch._alive

    def stop(self) -> Spent:
        """Returns what was spent since; descendants are looked at when it was not quick."""
        seconds = time.perf_counter() - self._began
        if seconds > _QUICK:
            Stopwatch._alive = _descendants()
        return Spent(seconds, max(0.0, _own() + Stopwatch._alive - self._before))


def _own() -> float:
    """Processor time of this process and of the children that have ended."""
    return sum(os.times()[:4])


def _descendants() -> float:
    total = 0.0
    for process in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.Error):  # it has ended
            total += sum(process.cpu_times()[:4])
    return total
