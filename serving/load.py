"""A bounded load on a server: how fast it answers, and what fails."""

import itertools
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from statistics import quantiles

from rich.progress import Progress
from rich.table import Table

from serving.client import Predictor
from serving.errors import ServingError


@dataclass(frozen=True)
class Result:
    """What a load met.

    Args:
        seconds: duration of each request that was answered.
        errors: how many requests failed, by kind.
        first_error: the first failure in words; None without one.
        images: images in each request.
        elapsed: seconds for all.
    """

    seconds: list[float]
    errors: Counter[str]
    first_error: str | None
    images: int
    elapsed: float

    def percentile(self, percent: int) -> float:
        """Return a percentile of the durations, in seconds; of a single one, that one."""
        if len(self.seconds) == 1:
            return self.seconds[0]
        return quantiles(self.seconds, n=100, method="inclusive")[percent - 1]


def put_load(
    predictor: Predictor, images: Sequence[bytes], requests: int, concurrency: int, batch: int
) -> Result:
    """Send so many requests, and no more than some at a time.

    Args:
        predictor: what is asked.
        images: encoded images, taken in turn.
        requests: how many requests.
        concurrency: how many at a time.
        batch: images in a request.
    """
    supply = itertools.cycle(images)
    batches = [list(itertools.islice(supply, batch)) for _ in range(min(requests, len(images)))]
    seconds: list[float] = []
    errors: list[ServingError] = []
    with Progress(transient=True) as progress, ThreadPoolExecutor(concurrency) as pool:
        task = progress.add_task("requests", total=requests)

        def ask(number: int) -> None:
            start = time.perf_counter()
            try:
                predictor.predict(batches[number % len(batches)])
            except ServingError as error:
                errors.append(error)
            else:
                seconds.append(time.perf_counter() - start)
            progress.advance(task)

        start = time.perf_counter()
        list(pool.map(ask, range(requests)))
        elapsed = time.perf_counter() - start
    counts = Counter(error.kind.value for error in errors)
    return Result(seconds, counts, str(errors[0]) if errors else None, batch, elapsed)


def table(result: Result) -> Table:
    """Return the figures for a person."""
    rows = Table("figure", "value")
    answered = len(result.seconds)
    rows.add_row("requests answered", str(answered))
    if answered:
        rows.add_row("p50", f"{result.percentile(50) * 1000:.1f} ms")
        rows.add_row("p99", f"{result.percentile(99) * 1000:.1f} ms")
        images = answered * result.images / result.elapsed
        rows.add_row("throughput", f"{answered / result.elapsed:.1f} requests/s")
        rows.add_row("", f"{images:.1f} images/s")
    for kind, count in result.errors.most_common():
        rows.add_row(f"failed: {kind}", str(count))
    return rows
