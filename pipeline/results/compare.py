"""Two runs beside each other: what each reached, by how much they differ, and what was other."""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tensorflow as tf

from components.artifacts import examples as labelled
from models.provenance import Provenance, read_provenance
from models.registry import load_task
from pipeline.bootstrap import Counts, find_difference_intervals
from pipeline.inference.model import ExportedModel
from pipeline.results.listing import differing
from pipeline.runs.history import Run

_UNREADABLE = (AssertionError, OSError, ValueError, LookupError, tf.errors.OpError)


@dataclass(frozen=True)
class Difference:
    """A figure of two runs.

    Attributes:
        title: of the figure.
        first: of the first run; NaN where there is nothing to judge by.
        second: of the second run, likewise.
        sign: 1 where the higher of two values is the better one, -1 where the lower one is.
        interval: the 95 % interval of second minus first; None where there is none.
    """

    title: str
    first: float
    second: float
    sign: int
    interval: tuple[float, float] | None

    @property
    def difference(self) -> float:
        """Second minus first."""
        return self.second - self.first

    @property
    def verdict(self) -> str:
        """What the second run is beside the first one; empty where nothing can be claimed."""
        if self.interval is None or math.isnan(self.difference):
            return ""
        low, high = self.interval
        if low <= 0 <= high:
            return "no difference"
        return "better" if self.sign * low > 0 else "worse"


@dataclass(frozen=True)
class Compared:
    """Two runs, compared.

    Attributes:
        figures: by the metric's key.
        unpaired: why there are no intervals, a sentence; empty where there are.
        settings: values of both runs' trainings, by name, where they differ.
        data: what is known of both runs' data, by name, whether it differs or not.
    """

    figures: dict[str, Difference]
    unpaired: str
    settings: dict[str, tuple[Any, Any]]
    data: dict[str, tuple[Any, Any]]


def compare(first: Run, second: Run, advance: Callable[[], None] = lambda: None) -> Compared:
    """Compare two runs.

    Args:
        first: a judged run.
        second: another one.
        advance: called for each image that a model has answered.

    Raises:
        ValueError: they cannot be compared.
    """
    configs = _read_model(first), _read_model(second)
    tasks = [config.task for config in configs]
    if len(set(tasks)) > 1:
        raise ValueError(
            f"Run {first.run_id} is of {tasks[0]} and run {second.run_id} of {tasks[1]}: compare "
            "two runs of one task."
        )
    try:
        before, after = first.metrics(), second.metrics()
    except _UNREADABLE as error:
        raise ValueError(f"An evaluation cannot be read ({error}): choose other runs.") from None
    intervals, unpaired = _find_intervals(first, second, advance)
    measured = load_task(tasks[0]).measured(configs[0].class_names)
    figures = {
        key: Difference(one.row, before[key], after[key], one.metric.sign, intervals.get(key))
        for key, one in measured.items()
        if key in before and key in after
    }
    ours, theirs = (config.config for config in configs)
    settings = {
        name: (ours[name], theirs[name])
        for name in differing(ours, theirs)
        if name != "data_version"
    }
    return Compared(figures, unpaired, settings, _list_data(first, second))


def count_images(runs: Sequence[Run]) -> int:
    """Tell how many answers a comparison asks of both models together."""
    return sum(
        run.num_examples()["eval"] for run in runs if run.output("StatisticsGen", "statistics")
    )


def _read_model(run: Run) -> Provenance:
    if run.output("Trainer", "model") is None or run.output("Evaluator", "evaluation") is None:
        raise ValueError(f"Run {run.run_id} ended before its model was judged: choose another one.")
    try:
        return read_provenance(run.model_path)
    except _UNREADABLE:
        raise ValueError(
            f"The model of run {run.run_id} is gone from {run.model_path}: choose another run."
        ) from None


def _find_intervals(
    first: Run, second: Run, advance: Callable[[], None]
) -> tuple[dict[str, tuple[float, float]], str]:
    """Return the intervals by the metric's key, or why there are none."""
    try:
        images = _read_images(first)
        others = _read_images(second)
        if images.keys() != others.keys():
            both = len(images.keys() & others.keys())
            return {}, (
                f"The runs judged other images ({len(images)} and {len(others)}, {both} in both), "
                "so the differences have no intervals."
            )
        models = [ExportedModel(Path(run.model_path)) for run in (first, second)]
        if models[0].config.class_names != models[1].config.class_names:
            return {}, "The runs have other classes, so the differences have no intervals."
        one, other = (_count(model, images.values(), advance) for model in models)
        return find_difference_intervals(len(images), one, other, models[0].figures), ""
    except _UNREADABLE as error:
        return {}, f"The images or models cannot be read, so there are no intervals: {error}"


def _count(
    model: ExportedModel, records: Iterable[bytes], advance: Callable[[], None]
) -> Iterator[Counts]:
    for one in model.count(records):
        yield one
        advance()


def _read_images(run: Run) -> dict[tuple[bytes, int], bytes]:
    """Return the labelled images that a run judged, by digest; copies are numbered."""
    seen: Counter[bytes] = Counter()
    images = {}
    for record in labelled.records(run.steps["ImportExampleGen"].outputs["examples"], "eval"):
        content = labelled.parse(record).SerializeToString(deterministic=True)
        digest = hashlib.sha256(content).digest()
        images[digest, seen[digest]] = record
        seen[digest] += 1
    return images


def _list_data(first: Run, second: Run) -> dict[str, tuple[Any, Any]]:
    ours, theirs = _describe_data(first), _describe_data(second)
    return {name: (ours.get(name), theirs.get(name)) for name in ours | theirs}


def _describe_data(run: Run) -> dict[str, Any]:
    examples = run.output("ImportExampleGen", "examples")
    told: dict[str, Any] = {"version": run.data_version or None}
    if examples:
        told["digest"] = labelled.digest(examples)
    if run.output("StatisticsGen", "statistics"):
        told |= {f"images, {split}": count for split, count in run.num_examples().items()}
    return told
