"""What a model was made with, as `assets.extra/provenance.json` inside it says."""

import os
from typing import Any

import tensorflow as tf
from pydantic import BaseModel, ConfigDict, Field

from models.config import TrainingConfig
from models.registry import FIRST_TASK

PROVENANCE = "provenance.json"
_FOLDER = "assets.extra"


class Provenance(TrainingConfig):
    """What was trained, and how it went.

    A model of an earlier version lacks fields, and of a later one has more: those are left out.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    # Defaults of what models were exported without before there was such a field.
    task: str = FIRST_TASK
    weight_decay: float = 1e-4
    augmentation: float = 0.0
    patience: int = 20
    training: dict[str, Any] = Field(default={}, description="Figures of the training.")

    @property
    def config(self) -> dict[str, Any]:
        """What was trained, without how it went; as JSON has it."""
        return self.model_dump(mode="json", exclude={"training"})


def write_extra(model: str, name: str, document: BaseModel) -> None:
    """Write a document of JSON into a SavedModel's folder of what TensorFlow does not read."""
    folder = os.path.join(model, _FOLDER)
    tf.io.gfile.makedirs(folder)
    with tf.io.gfile.GFile(os.path.join(folder, name), "w") as file:
        file.write(document.model_dump_json(indent=2))


def read_extra(model: str, name: str) -> str:
    """Read such a document, on any file system that TensorFlow knows.

    Raises:
        tf.errors.NotFoundError: the model has none.
    """
    with tf.io.gfile.GFile(os.path.join(model, _FOLDER, name)) as file:
        return file.read()


def write_provenance(model: str, provenance: Provenance) -> None:
    """Write it into a SavedModel's folder."""
    write_extra(model, PROVENANCE, provenance)


def read_provenance(model: str) -> Provenance:
    """Read it from a SavedModel's folder, on any file system that TensorFlow knows.

    Raises:
        tf.errors.NotFoundError: the model has none.
        ValueError: what it has is none.
    """
    return Provenance.model_validate_json(read_extra(model, PROVENANCE))
