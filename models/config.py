"""What the Trainer is told: the part of a recipe that travels in the component's custom_config."""

from pydantic import BaseModel, ConfigDict, Field


class TrainingConfig(BaseModel):
    """Everything that decides what is trained. Plain values, so that it serialises as JSON."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    recipe: str = Field(description="Name of the recipe that made this configuration.")
    model: str = Field(description="Name of an architecture in models.registry.")
    encoder_weights: str = Field(description="`imagenet`, `none`, or a path to a weights file.")
    class_names: tuple[str, ...] = Field(description="Names by class id.")
    palette: tuple[tuple[int, int, int], ...] = Field(description="RGB 0..255 by class id.")
    image_size: int = Field(gt=0, description="Side of the network's square input, pixels.")
    batch_size: int = Field(gt=0, description="Images in a training step.")
    epochs: int = Field(gt=0, description="Passes over the training split.")
    learning_rate: float = Field(gt=0, description="Peak of the schedule.")
    weight_decay: float = Field(ge=0, description="AdamW's, of kernels only.")
    augmentation: float = Field(
        ge=0, description="Magnitude of models.augmentation; 0 leaves only the mirroring."
    )
    patience: int = Field(
        gt=0, description="Epochs without a better validation mean IoU that end the training."
    )
    max_megapixels: float = Field(
        default=50, gt=0, description="The largest image that the served model decodes."
    )
    seed: int = Field(description="Seeds initial weights, shuffling and augmentation.")

    @property
    def num_classes(self) -> int:
        """Number of classes, C."""
        return len(self.class_names)
