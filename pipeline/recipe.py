"""What a recipe is: one data set, its task, model, training and gate."""

from pathlib import Path
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from models.config import TrainingConfig
from models.registry import check_name, known_models

# Files of a data set by the pipeline's name of their split.
SPLIT_PATTERNS = {"train": "train-*.tfrecord", "eval": "val-*.tfrecord"}


class Gate(BaseModel):
    """What a model must reach on the validation split to be blessed."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    min_mean_iou: float = Field(description="Floor of the mean IoU, 0..1.")
    min_class_iou: dict[str, float] = Field(description="Floor of each class's IoU, 0..1.")
    max_fall: float = Field(description="How far mean IoU may lie below the last blessed model's.")


class Recipe(BaseModel):
    """One data set, its task, model, training and gate. Settings may override the training's."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    schema_file: Path = Field(description="tf.Metadata schema of the examples, text proto.")
    class_names: tuple[str, ...] = Field(description="Names by class id.")
    palette: tuple[tuple[int, int, int], ...] = Field(description="RGB 0..255 by class id.")
    slices: tuple[str, ...] = Field(description="Features by whose values metrics are sliced.")
    gate: Gate
    model: str
    encoder_weights: str
    image_size: int
    batch_size: int
    epochs: int
    learning_rate: float
    weight_decay: float
    augmentation: float
    patience: int
    seed: int = 0
    by_model: dict[str, dict[str, int | float]] = Field(
        default={}, description="What suits an architecture better than the values above."
    )

    @model_validator(mode="after")
    def _by_model_names_fields(self) -> Self:
        for model, values in self.by_model.items():
            check_name("by_model", model, known_models())
            for name in values:
                check_name(f"by_model[{model}]", name, sorted(TrainingConfig.model_fields))
        return self

    def with_overrides(self, overrides: dict[str, Any]) -> Self:
        """The recipe for the model that is asked for, with what a user sets on top.

        Args:
            overrides: fields and their values; they win over `by_model`.
        """
        model = overrides.get("model", self.model)
        return self.model_copy(update={**self.by_model.get(model, {}), **overrides})

    def training_config(self) -> TrainingConfig:
        """The part that the Trainer needs."""
        shared = self.model_dump(include=set(TrainingConfig.model_fields))
        return TrainingConfig(recipe=self.name, **shared)
