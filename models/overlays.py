"""The validation images on which a model does worst, middling and best, with masks laid over."""

import io
import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import tensorflow as tf
from PIL import Image
from tfx.types import Artifact

from models import metrics, preprocessing
from models.colours import blend
from models.examples import records, text, value

SCANNED = 1000
_BATCH = 32
_SHOWN_OF_EACH = 3
_LONGEST_SIDE = 256


@dataclass(frozen=True)
class Overlay:
    """One validation image; the pictures are JPEGs, all of one size.

    Attributes:
        name: of the image.
        details: values of the features by which metrics are sliced.
        mean_iou: of this image alone, over the classes that occur in it.
        image: the image itself.
        truth: with the true mask over it.
        prediction: with the model's mask over it.
        width: of the pictures, pixels.
        height: of the pictures, pixels.
    """

    name: str
    details: list[str]
    mean_iou: float
    image: bytes
    truth: bytes
    prediction: bytes
    width: int
    height: int


@dataclass(frozen=True)
class Overlays:
    """The images that are shown, of those that were scanned.

    Attributes:
        scanned: how many images of the validation split were looked at.
        groups: the worst, the median and the best ones.
    """

    scanned: int
    groups: dict[str, list[Overlay]]


def load_overlays(
    model_path: str,
    examples: Artifact,
    class_names: Sequence[str],
    palette: Sequence[Sequence[int]],
    features: Sequence[str],
) -> Overlays:
    """Runs a model on the validation split, at most on its first `SCANNED` images.

    Args:
        model_path: folder of the SavedModel.
        examples: ImportExampleGen's artifact.
        class_names: names by class id.
        palette: RGB 0..255 by class id.
        features: string features that describe an image beside its name.
    """
    model = tf.saved_model.load(model_path)

    def evaluate(batch: Sequence[bytes]) -> dict[str, np.ndarray]:
        outputs = model.signatures["from_examples"](examples=tf.constant(batch, tf.string))
        return {name: tensor.numpy() for name, tensor in outputs.items()}

    ious: list[float] = []
    scanned = itertools.islice(records(examples, "eval"), SCANNED)
    while batch := list(itertools.islice(scanned, _BATCH)):
        counts = evaluate(batch)
        ious += [
            metrics.figures(confusion, boundary, class_names)["mean_iou"]
            for confusion, boundary in zip(
                counts["confusion_matrix"], counts["boundary_counts"], strict=True
            )
        ]
    groups = _worst_median_best(ious)
    wanted = set(itertools.chain.from_iterable(groups.values()))
    chosen = {
        index: record
        for index, record in enumerate(itertools.islice(records(examples, "eval"), SCANNED))
        if index in wanted
    }
    masks = evaluate(list(chosen.values()))["mask_png_bytes"]
    shown = {
        index: _overlay(record, mask, ious[index], palette, features)
        for (index, record), mask in zip(chosen.items(), masks, strict=True)
    }
    return Overlays(
        scanned=len(ious),
        groups={title: [shown[index] for index in indices] for title, indices in groups.items()},
    )


def _worst_median_best(ious: Sequence[float]) -> dict[str, list[int]]:
    """Indices of images by title; an image without a judged pixel is in none."""
    order = [int(index) for index in np.argsort(ious) if not np.isnan(ious[index])]
    number = min(_SHOWN_OF_EACH, max(1, len(order) // 3))
    middle = (len(order) - number) // 2
    return {
        "Worst": order[:number],
        "Median": order[middle : middle + number],
        "Best": order[len(order) - number :][::-1],
    }


def _overlay(
    record: bytes,
    mask: bytes,
    mean_iou: float,
    palette: Sequence[Sequence[int]],
    features: Sequence[str],
) -> Overlay:
    example = tf.train.Example.FromString(record)
    image = preprocessing.decode_image(value(example, preprocessing.IMAGE)).numpy()
    truth = preprocessing.decode_mask(value(example, preprocessing.LABEL)).numpy()
    prediction = preprocessing.decode_mask(mask).numpy()
    pictures = [
        Image.fromarray(pixels)
        for pixels in (image, blend(image, truth, palette), blend(image, prediction, palette))
    ]
    for picture in pictures:
        picture.thumbnail((_LONGEST_SIDE, _LONGEST_SIDE))
    shown, truly, predicted = map(_jpeg, pictures)
    width, height = pictures[0].size
    return Overlay(
        name=text(example, "name"),
        details=[text(example, feature) for feature in features],
        mean_iou=mean_iou,
        image=shown,
        truth=truly,
        prediction=predicted,
        width=width,
        height=height,
    )


def _jpeg(picture: Image.Image) -> bytes:
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=85, subsampling=0)
    return file.getvalue()
