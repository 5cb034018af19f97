"""The versions of a model that requests are compared with."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tensorflow as tf

from models.provenance import Provenance, read_provenance
from models.reference.features import measure_image
from models.reference.statistics import Reference, Values, read_reference
from models.registry import load_learning, load_task
from models.task import CONFIDENCE, Learning, Task
from serving.config import pushed_versions
from serving.errors import ServingError

_MODEL = "saved_model.pb"


@dataclass(frozen=True)
class Watched:
    """A version that can be compared.

    Attributes:
        number: of the version.
        provenance: what was trained.
        reference: what its requests are compared with.
        digest: of the reference.
        task: what the model does.
        learning: the task's functions.
    """

    number: int
    provenance: Provenance
    reference: Reference
    digest: str
    task: Task
    learning: Learning

    @property
    def estimates(self) -> bool:
        """Whether its confidence is meant to be the probability that it is right."""
        return self.task.calibrates and self.provenance.calibrated

    def measure(self, image: bytes, outputs: Mapping[str, Any]) -> tuple[dict[str, float], Values]:
        """Return what is compared of a request: of its image, and of its answer.

        Raises:
            ValueError: the image cannot be measured.
            ServingError: the answer is not of this model.
        """
        return measure_image(image), self.describe(outputs)

    def describe(self, outputs: Mapping[str, Any]) -> Values:
        """Return what is compared of an answer.

        Raises:
            ServingError: it is not of this model.
        """
        try:
            answer = self.learning.describe_answer(outputs, self.provenance)
            for name, histogram in self.reference.answers.items():
                histogram.find_bin(answer[name])
            return answer
        except (KeyError, IndexError, TypeError, ValueError) as error:
            raise ServingError(
                f"The log's answers are not of version {self.number}, a model of {self.task.name} "
                f"with {len(self.provenance.class_names)} classes: name the model that was served "
                "with --model."
            ) from error


def find_versions(folder: Path) -> dict[int, Path]:
    """SavedModels by their versions' numbers, as a server counts them.

    Raises:
        ServingError: there is none.
    """
    if (folder / _MODEL).is_file():
        return {int(folder.name) if folder.name.isdecimal() else 1: folder}
    return {number: folder / str(number) for number in pushed_versions(folder)}


def load_watched(folder: Path, number: int) -> Watched:
    """Read what a version is compared by.

    Args:
        folder: of its SavedModel.
        number: of the version.

    Raises:
        ServingError: the model does not say it.
    """
    try:
        provenance = read_provenance(str(folder))
        reference = read_reference(str(folder))
        task = load_task(provenance.task)
    except (tf.errors.OpError, ValueError) as error:
        raise ServingError(
            f"Version {number} has no reference statistics that can be read from {folder} "
            f"({type(error).__name__}): models have them since they are written by the training; "
            "train it again to have it watched."
        ) from error
    return Watched(
        number=number,
        provenance=provenance,
        reference=reference,
        digest=hashlib.sha256(reference.model_dump_json().encode()).hexdigest(),
        task=task,
        learning=load_learning(provenance.task),
    )


def load_named(folder: Path, name: str) -> tuple[dict[int, Watched], dict[int, str], str]:
    """All versions of a model that can be watched.

    Args:
        folder: a SavedModel, or a folder of versions.
        name: of the model in the log; empty for the recipe's.

    Returns:
        They, by number; why others cannot be, likewise; and the name.

    Raises:
        ServingError: there is none.
    """
    watched, faults = {}, {}
    for number, path in find_versions(folder).items():
        try:
            watched[number] = load_watched(path, number)
        except ServingError as error:
            faults[number] = str(error)
    if not watched:
        raise ServingError(faults[max(faults)])
    return watched, faults, name or watched[max(watched)].provenance.recipe


def tell_other_models(found: Iterable[str], wanted: str) -> str:
    """Say that a log is of other models."""
    return (
        f"The log is of {', '.join(sorted(found))}, and not of {wanted}: name another folder with "
        "--log, or the model's name in this one with --name."
    )


def find_confidence(answer: Values) -> float | None:
    """Tell how sure the model was of an answer, where its task tells."""
    confidence = answer.get(CONFIDENCE)
    return confidence if isinstance(confidence, float) else None
