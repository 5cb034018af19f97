"""A blessed model's LiteRT variants, what each reaches, and whether int8 may be published."""

import itertools
import json
import math
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tensorflow as tf
from absl import logging

from components.edge_exporter import scoring
from components.edge_exporter.convert import ConversionError, convert
from components.edge_exporter.flatbuffer import with_files
from components.edge_exporter.limits import Limits
from components.edge_exporter.runtime import THREADS, LiteModel
from components.edge_exporter.variants import FILES, FLOAT32, INT8, REPORT, VARIANTS
from models import preprocessing
from models.provenance import Provenance
from models.registry import load_task
from models.task import Metric

LABELS = "labels.txt"
METADATA = "metadata.json"
_CALIBRATED = 64  # images; more of them move the ranges of activations no further

Records = Callable[[str], Iterable[bytes]]


@dataclass(frozen=True)
class EdgeModel:
    """What was made.

    Attributes:
        files: content by name. There is no `model.tflite` where int8 does not pass.
        report: what `edge.json` holds.
        primary: the metric that int8 is judged by.
    """

    files: dict[str, bytes]
    report: dict[str, Any]
    primary: Metric

    @property
    def summary(self) -> str:
        """What came out, in one line."""
        if not self.report["passed"]:
            return f"none, {self.report['reason']}"
        found, primary = self.report["variants"][INT8], self.primary
        return (
            f"int8 {found['bytes'] / 1e6:.1f} MB, {primary.words} {found[primary.key]:.3f} "
            f"(float {self.report[f'float_{primary.key}']:.3f}), {found['milliseconds']:.1f} ms"
        )


def export(
    model: tf.Module,
    trained: Provenance,
    records: Records,
    float_figure: float,
    limits: Limits,
) -> EdgeModel:
    """Convert a model, score every variant and judge the int8 one.

    Args:
        model: a SavedModel of `models.signatures`, loaded.
        trained: its provenance.
        records: serialized examples of a split: `train`, to calibrate, or `eval`, to score.
        float_figure: the SavedModel's primary metric, on `eval`.
        limits: what int8 is held to.

    Raises:
        scoring.ExampleError: an example cannot be read.
    """
    primary = load_task(trained.task).primary_metric
    report: dict[str, Any] = {
        "passed": False,
        "reason": "",
        f"float_{primary.key}": float_figure,
        "limits": limits.model_dump(),
        "threads": THREADS,
        "variants": {},
    }
    began = time.perf_counter()
    try:
        contents = dict(convert(model, _calibration(records, trained), trained))
        converted = time.perf_counter()
        figures = _figures(contents, trained, records)
    except ConversionError as error:
        return EdgeModel({}, report | {"reason": str(error)}, primary)
    logging.info(
        "Converted in %.1f s, scored in %.1f s",
        converted - began,
        time.perf_counter() - converted,
    )
    contents = {
        variant: with_files(content, _inside(trained, variant, figures[variant]))
        for variant, content in contents.items()
    }
    report["variants"] = {
        variant: {"file": FILES.get(variant), "bytes": len(contents[variant]), **figures[variant]}
        for variant in VARIANTS
    }
    report["reason"] = "; ".join(_shortfalls(report, limits, primary))
    report["passed"] = not report["reason"]
    kept = [variant for variant in FILES if variant != INT8 or report["passed"]]
    return EdgeModel({FILES[variant]: contents[variant] for variant in kept}, report, primary)


def write(edge: EdgeModel, folder: Path) -> None:
    """Write the files, and `edge.json` beside them."""
    for name, content in edge.files.items():
        (folder / name).write_bytes(content)
    (folder / REPORT).write_text(json.dumps(edge.report, indent=2, allow_nan=False) + "\n")


def _calibration(records: Records, trained: Provenance) -> list[Any]:
    images = itertools.islice(scoring.decoded(records("train"), "train", trained), _CALIBRATED)
    return [preprocessing.resize_image(image, trained.image_size).numpy() for image, _ in images]


def _figures(
    contents: dict[str, bytes], trained: Provenance, records: Records
) -> dict[str, dict[str, Any]]:
    """Key figures, those of classes under their metric's key, and milliseconds of each variant."""
    key_figures = load_task(trained.task).key_figures(trained.class_names)
    examples = scoring.decoded(records("eval"), "eval", trained)
    first = next(examples)
    try:
        models = {variant: LiteModel(content) for variant, content in contents.items()}
        milliseconds = {variant: model.milliseconds(first[0]) for variant, model in models.items()}
    except (RuntimeError, ValueError) as error:
        raise ConversionError(f"LiteRT cannot run the converted model: {error}") from error
    found = scoring.score(models, itertools.chain([first], examples), trained)
    told: dict[str, dict[str, Any]] = {variant: {} for variant in contents}
    for variant, figures in found.items():
        for key, one in key_figures.items():
            if one.of_class:
                by_class = told[variant].setdefault(one.metric.key, {})
                by_class[one.of_class] = _finite(figures[key])
            else:
                told[variant][key] = _finite(figures[key])
        if scoring.OTHERWISE in figures:
            told[variant][scoring.OTHERWISE] = figures[scoring.OTHERWISE]
        told[variant]["milliseconds"] = milliseconds[variant]
    return told


def _shortfalls(report: dict[str, Any], limits: Limits, primary: Metric) -> Iterable[str]:
    """Why int8 does not pass, one clause for each limit."""
    int8, float32 = report["variants"][INT8], report["variants"][FLOAT32]
    reached, aimed_at = int8[primary.key], report[f"float_{primary.key}"]
    if reached is None:
        yield "the validation split has nothing to judge int8 by"
    elif not primary.sign * (reached - aimed_at) >= -limits.max_drop:
        yield (
            f"int8's {primary.words}, {reached:.3f}, is more than {limits.max_drop:g} "
            f"{primary.worse} the float model's, {aimed_at:.3f}"
        )
    share = int8["bytes"] / float32["bytes"]
    if share > limits.max_size:
        yield f"int8 takes {share:.2f} of float32's bytes, more than {limits.max_size:g}"


def _inside(trained: Provenance, variant: str, figures: dict[str, Any]) -> dict[str, str]:
    """Return the files within a model: its labels by class id, and what it is."""
    names = [" ".join(name.split()) for name in trained.class_names]
    metadata = {
        **trained.model_dump(mode="json", exclude={"training"}, exclude_none=True),
        "variant": variant,
        "validation": {key: value for key, value in figures.items() if key != "milliseconds"},
    }
    return {
        LABELS: "".join(f"{name}\n" for name in names),
        METADATA: json.dumps(metadata, indent=2) + "\n",
    }


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
