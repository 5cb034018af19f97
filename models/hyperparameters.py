"""Hyperparameters: where they are searched, and how what was found is applied."""

from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    TypeAdapter,
    ValidationError,
    model_validator,
)

from models.config import TrainingConfig

# The hyperparameter that names the recipe, so that no other recipe takes the values.
RECIPE = "recipe"
# What others build on, steps of the pipeline or callers of the model: no search changes it.
_FIXED = {RECIPE, "task", "class_names", "palette", "image_size", "max_megapixels"}


class Range(BaseModel):
    """Real numbers from `low` to `high`, both included."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    low: float
    high: float
    scale: Literal["linear", "log"] = Field(
        default="linear", description="On which values lie evenly."
    )

    @model_validator(mode="after")
    def _ascends(self) -> "Range":
        if not self.low < self.high or (self.scale == "log" and self.low <= 0):
            raise ValueError(f"{self.low} to {self.high} is no {self.scale} range")
        return self

    def __contains__(self, value: object) -> bool:
        return isinstance(value, int | float) and self.low <= value <= self.high

    def bounds(self) -> tuple[float, float]:
        """Values whose fitness vouches for all."""
        return self.low, self.high


class Choice(BaseModel):
    """One of some values of one type."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    values: tuple[int, ...] | tuple[float, ...] | tuple[str, ...] = Field(min_length=1)

    def __contains__(self, value: object) -> bool:
        return value in self.values

    def bounds(self) -> tuple[int | float | str, ...]:
        """Values whose fitness vouches for all."""
        return self.values


def _kind(values: Any) -> str:
    named = isinstance(values, dict) and "values" in values
    return "choice" if named or isinstance(values, Choice) else "range"


# What is searched, by field of TrainingConfig.
SearchSpace = dict[
    str,
    Annotated[
        Annotated[Range, Tag("range")] | Annotated[Choice, Tag("choice")], Discriminator(_kind)
    ],
]
SEARCH_SPACE = TypeAdapter(SearchSpace)


def check_space(space: SearchSpace, config: TrainingConfig) -> None:
    """Hold a search space against the configuration whose fields it varies.

    Raises:
        ValueError: a name is no field that can be searched, a value is none that the field takes,
            or the configuration's own value, with which a search begins, lies outside.
    """
    for name, values in space.items():
        for value in values.bounds():
            apply_hyperparameters(config, {"values": {RECIPE: config.recipe, name: value}})
        if getattr(config, name) not in values:
            raise ValueError(f"{name}={getattr(config, name)} lies outside of its search space")


def apply_hyperparameters(
    config: TrainingConfig, hyperparameters: dict[str, Any] | None
) -> TrainingConfig:
    """Put tuned values in the place of the recipe's.

    Args:
        config: what to train without them.
        hyperparameters: a `keras_tuner.HyperParameters` config, as TFX's Tuner writes it and its
            Trainer reads it: `values` holds the recipe's name beside the values. None for none.

    Raises:
        ValueError: they are another recipe's, or no values of this configuration.
    """
    if hyperparameters is None:
        return config
    values = hyperparameters.get("values")
    if not isinstance(values, dict) or RECIPE not in values:
        raise ValueError("these hyperparameters name no recipe")
    if values[RECIPE] != config.recipe:
        raise ValueError(
            f"these hyperparameters are of recipe {values[RECIPE]}, not of {config.recipe}"
        )
    tuned = {name: value for name, value in values.items() if name != RECIPE}
    for name in tuned:
        if name in _FIXED or name not in TrainingConfig.model_fields:
            raise ValueError(f"{name} is no hyperparameter of recipe {config.recipe}")
    try:
        # Strict, because a number that had to be rounded is another than the one that was tried.
        return TrainingConfig.model_validate({**config.model_dump(), **tuned}, strict=True)
    except ValidationError as error:
        wrong = error.errors()[0]
        name = str(wrong["loc"][0])
        raise ValueError(f"{name}={tuned.get(name)!r}: {wrong['msg']}") from None
