"""What a recipe is: one data set, its task, model, training and gate."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, model_validator

from models.config import TrainingConfig

# Files of a data set by the pipeline's name of their split.
SPLIT_PATTERNS = {"train": "train-*.tfrecord", "eval": "val-*.tfrecord"}


class SliceFloor(BaseModel):
    """What a model must reach in every slice that is large enough to be judged."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    min_mean_iou: float = Field(description="Floor of a slice's mean IoU, 0..1.")
    min_examples: int = Field(gt=0, description="Images that a slice needs to be judged.")


class Gate(BaseModel):
    """What a model must reach on the validation split to be blessed."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    min_mean_iou: float = Field(description="Floor of the mean IoU, 0..1.")
    min_class_iou: dict[str, float] = Field(
        description="Floor of each class's IoU, 0..1. 0 judges nothing: the class may be absent."
    )
    max_fall: float = Field(description="How far mean IoU may lie below the last blessed model's.")
    slice_floor: SliceFloor | None = Field(None, description="Floor of every slice, if any.")


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
    seed: int = 0

    @model_validator(mode="after")
    def _gate_fits(self) -> "Recipe":
        if set(self.gate.min_class_iou) != set(self.class_names):
            raise ValueError(
                f"min_class_iou needs a floor for each of {', '.join(self.class_names)}"
            )
        if self.gate.slice_floor and not self.slices:
            raise ValueError("slice_floor needs slices to judge")
        return self

    def training_config(self) -> TrainingConfig:
        """The part that the Trainer needs."""
        shared = self.model_dump(include=set(TrainingConfig.model_fields))
        return TrainingConfig(recipe=self.name, **shared)
