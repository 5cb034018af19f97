"""What a client asks for, and what a model answers, whichever protocol carries it."""

from collections.abc import Mapping
from typing import Any, NamedTuple

SIGNATURE = "serving_default"
INPUT = "image_bytes"

# What a model says of an image, by output; or why it says nothing, a sentence.
Answer = Mapping[str, Any] | str


class Asked(NamedTuple):
    """What a request names.

    Attributes:
        model: its name.
        version: of the model; None where none is named.
        label: of a version; None where none is named.
    """

    model: str
    version: int | None = None
    label: str | None = None
