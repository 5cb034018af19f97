"""What a recipe is: one data set, its task, model, training and gate."""

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from components.edge_exporter.limits import Limits
from models.config import (
    BatchSize,
    DecisionRule,
    Epochs,
    ImageSize,
    LearningRate,
    Optimizer,
    TrainingConfig,
)
from models.hyperparameters import SearchSpace, check_space
from models.registry import FIRST_TASK, check_name, known_models, load_task
from models.task import Classes
from tfrecords.conversion import Conversion
from tfrecords.dataset import CALIBRATION_PATTERN, SPLIT_PATTERNS

PipelineName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,127}$")]


def encoder_of_its_own() -> dict[str, str | None]:
    """Return the fields of a recipe that put an architecture on its own encoder, untrained."""
    return {name: Recipe.model_fields[name].default for name in ("encoder", "encoder_weights")}


class SliceLimit(BaseModel):
    """What a model must reach in every slice that is large enough to be judged."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    limit: float = Field(description="Limit of the task's primary metric in a slice.")
    min_examples: int = Field(gt=0, description="Images that a slice needs to be judged.")


class Network(BaseModel):
    """A network that is compared with others; what it does not set is the recipe's."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str | None = None
    encoder: str | None = None
    encoder_weights: str | None = None
    learning_rate: LearningRate | None = None


class Gate(BaseModel):
    """What a model must reach on the validation split to be blessed."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    limits: dict[str, float] = Field(
        default={},
        description="By the task's metrics: the least, or the most where lower is better. What is "
        "not named is not judged: such a class may be absent.",
    )
    max_drop: float = Field(
        ge=0,
        description="How much worse the primary metric may be than the last blessed model's.",
    )
    slice_limit: SliceLimit | None = Field(
        default=None, description="Limit of every slice, if any."
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
    task: str = Field(default=FIRST_TASK, description="What is learned, see models.registry.")
    class_names: tuple[str, ...] = Field(
        default=(), description="Names by class id; none of a task without classes."
    )
    palette: tuple[tuple[int, int, int], ...] = Field(
        default=(), description="RGB 0..255 by class id, of a task that draws its classes."
    )
    ignore_label: int | None = Field(
        default=None,
        le=255,
        description="Value of mask pixels of no class, which count in neither loss nor metrics.",
    )
    slices: tuple[str, ...] = Field(
        default=(), description="Features by whose values metrics are sliced."
    )
    convert: Conversion | None = Field(
        default=None, description="How raw data of a version become shards."
    )
    gate: Gate
    promotion: Literal["auto", "manual"] = Field(
        default="auto",
        description="What serves: auto, each model that the gate blesses; manual, the one that "
        "`visionpipe produce` has put into production.",
    )
    on_alert: Literal["nothing", "rollback", "train"] = Field(
        default="nothing",
        description="What `visionpipe hooks` does when the monitor's alert comes: rollback, where "
        "the answers drifted and the images did not; train, where either did.",
    )
    model: str
    encoder: str | None = Field(default=None, description="Of `model`; another has its own.")
    encoder_weights: str = "none"
    image_size: ImageSize
    batch_size: BatchSize
    epochs: Epochs
    learning_rate: LearningRate
    optimizer: Optimizer = "adamw"
    weight_decay: float = 1e-4
    label_smoothing: float = Field(default=0, ge=0, lt=1)
    calibrated: bool = False
    class_weights: tuple[Annotated[float, Field(gt=0)], ...] = ()
    decision: DecisionRule | None = None
    augmentation: float = 0.0
    patience: int = 20
    mirrored: bool = False
    max_megapixels: float = 50
    seed: int = 0
    by_model: dict[str, dict[str, bool | int | float | str]] = Field(
        default={}, description="What suits an architecture better than the values above."
    )
    search_space: SearchSpace = Field(
        default={}, description="What a search varies, by TrainingConfig field."
    )
    tune_trials: int = Field(default=8, gt=0, description="Trainings that a search may spend.")
    zoo: tuple[Network, ...] = Field(
        default=(), description="Networks that `visionpipe zoo` compares."
    )

    @model_validator(mode="after")
    def _classes_fit(self) -> Self:
        task = load_task(self.task)
        if task.class_metrics and not self.class_names:
            raise ValueError(f"task {self.task} needs class_names")
        if task.draws_classes and len(self.palette) != len(self.class_names):
            raise ValueError(
                f"class_names has {len(self.class_names)} names and palette {len(self.palette)} "
                "colours; give one for each class"
            )
        if self.ignore_label is not None and self.ignore_label < len(self.class_names):
            raise ValueError(
                f"ignore_label={self.ignore_label} is the id of a class; write such pixels with a "
                f"value of {len(self.class_names)} to 255"
            )
        if self.calibrated and not task.calibrates:
            raise ValueError(f"calibrated=true does not fit task {self.task}, which has no scale")
        if self.class_weights and len(self.class_weights) != len(self.class_names):
            raise ValueError(
                f"class_weights has {len(self.class_weights)} weights for "
                f"{len(self.class_names)} classes; give one for each class"
            )
        if self.decision:
            check_name("decision.positive_class", self.decision.positive_class, self.class_names)
            if not self.calibrated or len(self.class_names) != 2:
                raise ValueError("decision needs two classes and calibrated=true")
        if self.gate.slice_limit and not self.slices:
            raise ValueError("slice_limit needs slices to judge")
        return self

    @model_validator(mode="after")
    def _limits_are_measured(self) -> Self:
        measured = list(load_task(self.task).measured(self.class_names))
        for key in self.gate.limits:
            check_name("gate.limits", key, measured)
        return self

    @model_validator(mode="after")
    def _every_model_fits(self) -> Self:
        check_space(self.search_space, self.training_config())
        for network in self.zoo:
            check_name("zoo.model", network.model or self.model, known_models(self.task))
        for model, values in self.by_model.items():
            check_name("by_model", model, known_models(self.task))
            for name in values:
                check_name(f"by_model[{model}]", name, sorted(TrainingConfig.model_fields))
            of_model = self.with_overrides({"model": model})
            check_space(self.search_space, of_model.training_config())
        return self

    @property
    def classes(self) -> Classes:
        """What labels may hold."""
        return Classes(self.class_names, self.ignore_label)

    @property
    def split_patterns(self) -> dict[str, str]:
        """Shards by the pipeline's name of their split."""
        return {**SPLIT_PATTERNS, **(CALIBRATION_PATTERN if self.calibrated else {})}

    def name_pipeline(self) -> str:
        """Return the pipeline's name that trains it: models of one pipeline follow each other."""
        return self.pipeline_name or f"{self.name.replace('_', '-')}-training-pipeline"

    def with_overrides(self, overrides: dict[str, Any]) -> Self:
        """Return the recipe for the model that is asked for, with what a user sets on top.

        Args:
            overrides: fields and their values; they win over `by_model`.
        """
        model = overrides.get("model", self.model)
        own = {} if model == self.model else encoder_of_its_own()
        return self.model_copy(update={**own, **self.by_model.get(model, {}), **overrides})

    def training_config(self) -> TrainingConfig:
        """Return the part that the Trainer needs."""
        shared = self.model_dump(include=set(TrainingConfig.model_fields))
        return TrainingConfig(recipe=self.name, **shared)
