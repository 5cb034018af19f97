"""What a model says of an image, whichever task it is of."""

import base64
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image


@dataclass(frozen=True)
class Segmentation:
    """The class of every pixel.

    Args:
        mask_png: PNG of class ids, of the image's own size.
        class_fractions: each class's share of the pixels.
    """

    mask_png: bytes
    class_fractions: list[float]

    @property
    def mask(self) -> npt.NDArray[np.uint8]:
        """Class ids, uint8 [height, width]."""
        return np.asarray(Image.open(io.BytesIO(self.mask_png)))


@dataclass(frozen=True)
class Classification:
    """The class of the whole image.

    Args:
        label: id of the most probable class.
        class_name: its name.
        probabilities: of each class, by id.
        decision: what a threshold makes of them; empty where the model has none.
    """

    label: int
    class_name: str
    probabilities: list[float]
    decision: str = ""


Prediction = Segmentation | Classification


class ImageRefused(Exception):
    """Why a server did not answer an image of several, which it names, in a sentence."""


def read_predictions(rows: Any) -> list[Prediction]:
    """Return what an answer has in JSON for `predictions`.

    Raises:
        ImageRefused: an image was not answered, while others were.
        ValueError: it is something else.
    """
    try:
        _check_errors([row.get("error", "") for row in rows])
        return [_read_row(row) for row in rows]
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ValueError(f"an answer of no known task: {error!r}") from error


def _check_errors(errors: Sequence[str]) -> None:
    for number, told in enumerate(errors, 1):
        if told:
            raise ImageRefused(f"Image {number} of {len(errors)}: {told}")


def _read_row(row: Mapping[str, Any]) -> Prediction:
    if "probabilities" in row:
        # A Vertex Endpoint's numbers are all floats.
        return Classification(
            int(row["label"]), row["class_name"], row["probabilities"], row.get("decision", "")
        )
    mask = base64.b64decode(row["mask_png_bytes"]["b64"], validate=True)
    return Segmentation(mask, row["class_fractions"])


def read_arrays(arrays: Mapping[str, Any]) -> list[Prediction]:
    """Return what an answer has as arrays, the images along their first dimension.

    Raises:
        ImageRefused: an image was not answered, while others were.
        ValueError: it is something else.
    """
    _check_errors([error.decode() for error in arrays.get("error", ())])
    try:
        if "probabilities" in arrays:
            decisions = arrays.get("decision", [b""] * len(arrays["label"]))
            return [
                Classification(int(label), name.decode(), probabilities.tolist(), decision.decode())
                for label, name, probabilities, decision in zip(
                    arrays["label"],
                    arrays["class_name"],
                    arrays["probabilities"],
                    decisions,
                    strict=True,
                )
            ]
        return [
            Segmentation(mask, shares.tolist())
            for mask, shares in zip(
                arrays["mask_png_bytes"], arrays["class_fractions"], strict=True
            )
        ]
    except KeyError as error:
        raise ValueError(f"an answer of no known task: {error!r}") from error
