"""Statistics of held-out images, as `assets.extra/reference.json` inside a model has them."""

from collections.abc import Mapping, Sequence

from pydantic import BaseModel, ConfigDict

from models.provenance import read_extra, write_extra
from models.reference.histograms import Histogram, count_values

REFERENCE = "reference.json"

Values = Mapping[str, float | str]


class Reference(BaseModel):
    """What requests are compared with.

    Attributes:
        split: of the data, which did not train the model.
        images: how many of it were looked at.
        inputs: histogram of each of `measure_image`'s figures.
        answers: of each of the task's `describe_answer`.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    split: str
    images: int
    inputs: dict[str, Histogram]
    answers: dict[str, Histogram]

    @property
    def features(self) -> dict[str, Histogram]:
        """All histograms by name."""
        return self.inputs | self.answers


def summarize(split: str, inputs: Sequence[Values], answers: Sequence[Values]) -> Reference:
    """Count what was measured, image by image.

    Raises:
        ValueError: there is no image, or nothing that can be counted.
    """
    if not inputs:
        raise ValueError(f"No image of the split {split} can be measured.")
    return Reference(
        split=split,
        images=len(inputs),
        inputs=_count(inputs),
        answers=_count(answers),
    )


def _count(rows: Sequence[Values]) -> dict[str, Histogram]:
    return {name: count_values([row[name] for row in rows]) for name in rows[0]}


def write_reference(model: str, reference: Reference) -> None:
    """Write it into a SavedModel's folder."""
    write_extra(model, REFERENCE, reference)


def read_reference(model: str) -> Reference:
    """Read it from a SavedModel's folder, on any file system that TensorFlow knows.

    Raises:
        tf.errors.NotFoundError: the model has none.
        ValueError: what it has is none.
    """
    return Reference.model_validate_json(read_extra(model, REFERENCE))
