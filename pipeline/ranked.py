"""Registered versions, ranked by what their runs were measured to be."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from models.registry import check_name, load_task
from pipeline.tracked import read_recipe
from tracking.client import Connection
from tracking.errors import TrackingError
from tracking.runs import TrackedRun, list_runs
from tracking.stages import read_loss
from tracking.versions import Version

LOSS = "loss"


@dataclass(frozen=True)
class Ranked:
    """The best of some versions.

    Attributes:
        version: which one.
        run: that it is of.
        metric: in words, such as `AUROC`.
        value: of the metric.
    """

    version: Version
    run: TrackedRun
    metric: str
    value: float

    @property
    def words(self) -> str:
        """The metric and its value."""
        return f"{self.metric} {self.value:.3f}"


def find_best(server: Connection, versions: Sequence[Version], metric: str) -> Ranked:
    """Find the best version; of equals the newest.

    Versions whose run is not there, has not finished or was not measured so are not ranked.

    Args:
        server: where they are registered.
        versions: of one recipe; one at least.
        metric: key of a metric of the recipe that the newest of them is of, or `loss`: the loss on
            the validation split.

    Raises:
        TrackingError: the server cannot be asked, or none of them can be ranked.
        ValueError: there is no such metric.
    """
    model = versions[0].model
    finished = {run.id: run for run in list_runs(server, model)}
    told = [(one, finished[one.run_id]) for one in versions if one.run_id in finished]
    if not told:
        numbers = ", ".join(str(one.number) for one in versions)
        raise TrackingError(
            f"MLflow at {server.address} has no finished run of versions {numbers} of {model}, so "
            "there is nothing to rank them by: restore their runs, or register another."
        )
    _, newest = max(told, key=lambda one: one[0].number)
    recipe = read_recipe(server, newest)
    measured = load_task(recipe.task).measured(recipe.class_names)
    check_name("METRIC", metric, [*measured, LOSS])
    if metric == LOSS:
        values, sign, words = [read_loss(server, run) for _, run in told], -1, "validation loss"
    else:
        values = [run.figures.get(metric, math.nan) for _, run in told]
        sign, words = measured[metric].metric.sign, measured[metric].words
    ranked = [
        Ranked(version, run, words, value)
        for (version, run), value in zip(told, values, strict=True)
        if not math.isnan(value)
    ]
    if not ranked:
        raise TrackingError(
            f"No version of {model} was measured by {words}; rank them by another metric."
        )
    return max(ranked, key=lambda one: (sign * one.value, one.version.number))
