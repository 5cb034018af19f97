"""What a model was made with, as `assets.extra/provenance.json` inside it says."""

import os
from typing import Any

import tensorflow as tf
from pydantic import ConfigDict, Field

from models.config import TrainingConfig
from models.registry import FIRST_TASK

PROVENANCE = "provenance.json"
FOLDER = "assets.extra"


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


def write_provenance(model: str, provenance: Provenance) -> None:
    """Writes it into a SavedModel's folder."""
    folder = os.path.join(model, FOLDER)
    tf.io.gfile.makedirs(folder)
    with tf.io.gfile.GFile(os.path.join(folder, PROVENANCE), "w") as file:
        file.write(provenance.model_dump_json(indent=2))


def read_provenance(model: str) -> Provenance:
    """Reads it from a SavedModel's folder, on any file system that TensorFlow knows.

    Raises:
        tf.errors.NotFoundError: the model has none.
        ValueError: what it has is none.
    """
    with tf.io.gfile.GFile(os.path.join(model, FOLDER, PROVENANCE)) as file:
        return Provenance.model_validate_json(file.read())
