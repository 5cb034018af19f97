"""What a recipe is: one data set, its task, model, training and gate."""

from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from components.edge_exporter.limits import Limits
from models.config import TrainingConfig
from models.hyperparameters import SearchSpace, check_space
from models.registry import check_name, known_models

PipelineName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,127}$")]


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
    slice_floor: SliceFloor | None = Field(
        default=None, description="Floor of every slice, if any."
    )
    edge: Limits = Field(
        default=Limits(), description="What the model for the edge is held to, to be published."
    )


class Recipe(BaseModel):
    """One data set, its task, model, training and gate. Settings may override the training's."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,62}$")]
    pipeline_name: PipelineName | None = Field(
        default=None, description="Of its pipeline. Default: NAME-training-pipeline."
    )
    schema_file: Path = Field(description="tf.Metadata schema of the examples, text proto.")
    class_names: tuple[str, ...] = Field(description="Names by class id.")
    palette: tuple[tuple[int, int, int], ...] = Field(description="RGB 0..255 by class id.")
    ignore_label: int | None = Field(
        default=None,
        le=255,
        description="Value of mask pixels of no class, which count in neither loss nor metrics.",
    )
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
    max_megapixels: float = 50
    seed: int = 0
    by_model: dict[str, dict[str, int | float]] = Field(
        default={}, description="What suits an architecture better than the values above."
    )
    search_space: SearchSpace = Field(description="What a search varies, by TrainingConfig field.")
    tune_trials: int = Field(gt=0, description="Trainings that a search may spend.")

    @model_validator(mode="after")
    def _classes_fit(self) -> Self:
        if set(self.gate.min_class_iou) != set(self.class_names):
            raise ValueError(
                f"min_class_iou needs a floor for each of {', '.join(self.class_names)}"
            )
        if self.ignore_label is not None and self.ignore_label < len(self.class_names):
            raise ValueError(
                f"ignore_label={self.ignore_label} is the id of a class; write such pixels with a "
                f"value of {len(self.class_names)} to 255"
            )
        if self.gate.slice_floor and not self.slices:
            raise ValueError("slice_floor needs slices to judge")
        return self

    @model_validator(mode="after")
    def _every_model_fits(self) -> Self:
        check_space(self.search_space, self.training_config())
        for model, values in self.by_model.items():
            check_name("by_model", model, known_models())
            for name in values:
                check_name(f"by_model[{model}]", name, sorted(TrainingConfig.model_fields))
            of_model = self.with_overrides({"model": model})
            check_space(self.search_space, of_model.training_config())
        return self

    def name_pipeline(self) -> str:
        """The name of the pipeline that trains it: models of one pipeline follow each other."""
        return self.pipeline_name or f"{self.name.replace('_', '-')}-training-pipeline"

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
