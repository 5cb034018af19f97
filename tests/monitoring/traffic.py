"""Requests of a classifier whose probabilities are true, and the log of a server that has them."""

import functools
import io
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from models.provenance import Provenance, write_provenance
from models.reference.features import measure_image
from models.reference.statistics import summarize, write_reference
from models.registry import load_learning
from pipeline.recipes import load_recipe
from serving.log.record import Logged, write_record
from tfrecords.shards import write_records

RECIPE = "cifar10"
START = 1_800_000_000.0
Change = Callable[[Image.Image], Image.Image]


@dataclass
class Asked:
    """A request with its answer, and the class that is true."""

    image: bytes
    truth: int
    probabilities: np.ndarray
    id: str = ""
    seconds: float = START
    version: int = 1
    route: str = "stable"
    model: str = RECIPE
    outputs: dict[str, Any] = field(default_factory=dict)


@functools.cache
def provenance() -> Provenance:
    return Provenance(**load_recipe(RECIPE).training_config().model_dump())


def ask(
    count: int,
    seed: int,
    change: Change = lambda image: image,
    sure: float = 6.0,
    start: float = START,
    **keywords,
) -> list[Asked]:
    """Images of 32 pixels, a second apart. The model is the surer, the higher `sure` is."""
    random = np.random.default_rng(seed)
    classes = len(provenance().class_names)
    asked = []
    for number in range(count):
        colour, spread = random.uniform(60, 190), random.uniform(10, 60)
        pixels = np.clip(random.normal(colour, spread, (8, 8, 3)), 0, 255).astype(np.uint8)
        image = change(Image.fromarray(pixels).resize((32, 32), Image.Resampling.BICUBIC))
        file = io.BytesIO()
        image.save(file, "PNG")
        likeliest = random.integers(classes)
        confidence = random.beta(sure, 1) * 0.9 + 0.1
        probabilities = np.full(classes, (1 - confidence) / (classes - 1), np.float32)
        probabilities[likeliest] = confidence
        truth = random.choice(classes, p=probabilities / probabilities.sum())
        row = {"id": f"{seed}-{number}", "seconds": start + number, **keywords}
        asked.append(Asked(file.getvalue(), int(truth), probabilities, **row))
    return asked


def answer(asked: Asked) -> dict[str, Any]:
    """The model's outputs."""
    label = int(asked.probabilities.argmax())
    return asked.outputs or {
        "label": np.int64(label),
        "class_name": provenance().class_names[label].encode(),
        "probabilities": asked.probabilities,
    }


def record(asked: Asked) -> bytes:
    """What the server writes of a request."""
    names = ("id", "seconds", "model", "version", "route", "image")
    told = {name: getattr(asked, name) for name in names}
    return write_record(Logged(outputs=answer(asked), **told))


def write_log(folder: Path, asked: Iterable[Asked], name: str = "20260101T000000-1") -> Path:
    """Writes a file of a log."""
    folder.mkdir(exist_ok=True)
    path = folder / f"requests-{name}.tfrecord"
    write_records(str(path), map(record, asked))
    return path


def push(folder: Path, version: int, seed: int = 999, images: int = 200) -> Path:
    """A version that says what it was trained with and what it is compared with."""
    model = folder / str(version)
    model.mkdir(parents=True)
    (model / "saved_model.pb").touch()
    write_provenance(str(model), provenance())
    held_out = ask(images, seed)
    describe = load_learning(provenance().task).describe_answer
    answers = [describe(answer(one), provenance()) for one in held_out]
    inputs = [measure_image(one.image) for one in held_out]
    write_reference(str(model), summarize("calibration", inputs, answers))
    return model
