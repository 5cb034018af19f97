"""Judges a model on the validation split of a run: figures, an interval, size and speed."""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from components.artifacts.examples import parse, records, value
from pipeline.bootstrap import find_interval
from pipeline.inference.model import ExportedModel
from pipeline.runs.history import Run
from pipeline.zoo.compared import Compared

_TIMED = 20  # images, each asked for alone


def judge(run: Run, name: str, metric: str, path: Path) -> Compared:
    """Judge a model.

    Args:
        run: on whose validation split.
        name: what the network is called.
        metric: key of the metric that gets an interval.
        path: folder of the SavedModel.

    Raises:
        TrackingError: the folder holds no model of this project.
    """
    model = ExportedModel(path)
    figures = model.config.training
    examples = list(records(run.steps["ImportExampleGen"].outputs["examples"], "eval"))
    counts = list(model.count(examples))
    sums = {name: np.sum([one[name] for one in counts], axis=0) for name in counts[0]}
    measured = model.figures(sums)
    low, high = find_interval(counts, lambda sums: model.figures(sums)[metric], model.config.seed)
    return Compared(
        name=name,
        steps=figures["steps"],
        processor_seconds=figures["processor_seconds"],
        value=measured[metric],
        low=low,
        high=high,
        parameters=figures["parameters"],
        megabytes=sum(file.stat().st_size for file in path.rglob("*") if file.is_file()) / 1e6,
        milliseconds=_time(model, [value(parse(one), "image") for one in examples[:_TIMED]]),
        figures=measured,
    )


def _time(model: ExportedModel, images: Sequence[bytes]) -> float:
    """Milliseconds that an image takes, once the model was asked for the first time."""
    model.serve(images[0])
    taken = []
    for image in images:
        began = time.perf_counter()
        model.serve(image)
        taken.append(1000 * (time.perf_counter() - began))
    return statistics.median(taken)
