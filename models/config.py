"""What the Trainer is told: the part of a recipe that travels in the component's custom_config."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

# What is beyond these is a slip of the hand: nothing here trains with it.
ImageSize = Annotated[int, Field(gt=0, le=4096)]
BatchSize = Annotated[int, Field(gt=0, le=65_536)]
MOST_EPOCHS = 100_000
Epochs = Annotated[int, Field(gt=0, le=MOST_EPOCHS)]
Optimizer = Literal["adamw", "adam", "sgd"]
LearningRate = Annotated[float, Field(gt=0, le=10)]


class DecisionRule(BaseModel):
    """How a threshold is chosen, of two classes of which one must not be missed."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    positive_class: str = Field(description="The class that must not be missed.")
    recall: float = Field(
        gt=0, le=1, description="Share of its calibration images that are to be decided for it."
    )
    review_recall: float | None = Field(
        default=None,
        gt=0,
        le=1,
        description="Share of them that are decided for it, or at least laid before a person.",
    )


class Thresholds(BaseModel):
    """What the positive class's probability is held against."""

    model_config = ConfigDict(frozen=True)

    decide: float = Field(description="From here on an image is of the positive class.")
    review: float = Field(description="From here on to `decide` a person is to look at it.")


class TrainingConfig(BaseModel):
    """Everything that decides what is trained. Plain values, so that it serialises as JSON."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    recipe: str = Field(description="Name of the recipe that made this configuration.")
    task: str = Field(description="Name of a task in models.registry.")
    model: str = Field(description="Name of an architecture of the task.")
    encoder: str | None = Field(
        default=None, description="Name of an encoder; None for the architecture's own, or none."
    )
    encoder_weights: str = Field(description="`imagenet`, `none`, or a path to a weights file.")
    class_names: tuple[str, ...] = Field(
        description="Names by class id; none of a task without classes."
    )
    palette: tuple[tuple[int, int, int], ...] = Field(
        default=(), description="RGB 0..255 by class id, of a task that draws its classes."
    )
    image_size: ImageSize = Field(description="Side of the network's square input, pixels.")
    batch_size: BatchSize = Field(description="Images in a training step.")
    epochs: Epochs = Field(description="Passes over the training split.")
    processor_seconds: float | None = Field(
        default=None,
        gt=0,
        description="Processor time that ends the training, and that the learning rate's schedule "
        "is spread over; None for all epochs.",
    )
    learning_rate: float = Field(gt=0, description="Peak of the schedule.")
    optimizer: Optimizer = Field(default="adamw", description="Who takes the steps.")
    weight_decay: float = Field(ge=0, description="Of kernels only; `adam` has none.")
    label_smoothing: float = Field(
        default=0, ge=0, lt=1, description="Share of the truth that is spread over all classes."
    )
    calibrated: bool = Field(
        default=False,
        description="Whether the split `calibration` of the data decides how sure the model is.",
    )
    class_weights: tuple[Annotated[float, Field(gt=0)], ...] = Field(
        default=(), description="Weight of each class's examples in the loss; none is 1 for all."
    )
    decision: DecisionRule | None = Field(
        default=None, description="How a class is decided on, where it is not the likeliest one."
    )
    thresholds: Thresholds | None = Field(
        default=None, description="What the training found for `decision`."
    )
    augmentation: float = Field(
        ge=0,
        description="Magnitude of the task's augmentation; 0 leaves only the mirroring.",
    )
    patience: int = Field(
        gt=0, description="Epochs without a better validation figure that end the training."
    )
    mirrored: bool = Field(
        default=False,
        description="Whether the served model averages its answers to an image and its mirror "
        "image, for twice the time. Models for the edge look at the image alone.",
    )
    max_megapixels: float = Field(
        default=50, gt=0, description="The largest image that the served model decodes."
    )
    seed: int = Field(description="Seeds initial weights, shuffling and augmentation.")
    data_version: str = Field(
        default="", description="Fixed address of the data; empty where they have no version."
    )

    @property
    def num_outputs(self) -> int:
        """Channels of the network's logits: one for each class, or one where there are none."""
        return len(self.class_names) or 1
