"""What the model for the edge is held to."""

from pydantic import BaseModel, ConfigDict, Field


class Limits(BaseModel):
    """How much the int8 model may cost, against the float one. Plain values, for JSON."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    max_drop: float = Field(
        default=0.01,
        description="How much worse its primary metric may be than the SavedModel's.",
    )
    max_size: float = Field(
        default=0.3, description="The largest share of the float32 LiteRT model's bytes."
    )
