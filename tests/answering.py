"""Models that answer with a mask that each example brings along, so that every figure is known."""

import numpy as np
import tensorflow as tf

from models import preprocessing
from models.segmentation import metrics
from models.segmentation.labels import decode_mask
from pipeline.recipe import Gate, Recipe, SliceLimit
from pipeline.recipes import load_recipe

PET, BACKGROUND, BORDER = range(3)


class Answering(tf.Module):
    """A model whose prediction is a feature of the example.

    Args:
        feature: the feature: a PNG of class ids.
        without: a count that the model does not have.
        classes: how many the model knows.
    """

    def __init__(self, feature: str, without: str | None = None, classes: int = 3) -> None:
        super().__init__()
        self._feature = feature
        self._without = without
        self._classes = classes

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, "examples")])
    def evaluate(self, examples: tf.Tensor) -> dict[str, tf.Tensor]:
        names = (preprocessing.LABEL, self._feature)
        spec = {name: tf.io.FixedLenFeature([], tf.string) for name in names}
        parsed = tf.io.parse_example(examples, spec)

        def counts(pair: tuple[tf.Tensor, tf.Tensor]) -> dict[str, tf.Tensor]:
            masks = [decode_mask(png) for png in pair]
            return {
                "confusion_matrix": metrics.confusion_matrix(*masks, self._classes),
                "boundary_counts": metrics.boundary_counts(*masks, self._classes),
            }

        specs = {
            "confusion_matrix": tf.TensorSpec([self._classes] * 2, tf.float32),
            "boundary_counts": tf.TensorSpec([self._classes, 2], tf.float32),
        }
        found = tf.map_fn(counts, [parsed[name] for name in names], fn_output_signature=specs)
        found["mask_png_bytes"] = parsed[self._feature]
        return {name: count for name, count in found.items() if name != self._without}


def row(*counts: tuple[int, int]) -> np.ndarray:
    """A mask one pixel high: so many pixels of a class, and so on."""
    return np.concatenate([np.full(count, index, np.uint8) for index, count in counts])[None]


# 100 pixels. Of the model's answer, pet IoU is 40/50, border's 10/20, background's 30/50: 0.633.
TRUTH = row((PET, 50), (BACKGROUND, 30), (BORDER, 20))
ANSWER = row((PET, 40), (BACKGROUND, 10 + 30 + 10), (BORDER, 10))
NOTHING = row((BACKGROUND, 100))  # mean IoU 0.1


def example(species: str | None, **masks: np.ndarray) -> bytes:
    """A labelled image of a species and a breed, with the models' answers."""
    values = {name: tf.io.encode_png(mask[..., None]).numpy() for name, mask in masks.items()}
    if species is not None:
        values |= {"species": species.encode(), "breed": species.upper().encode()}
    features = {
        name: tf.train.Feature(bytes_list=tf.train.BytesList(value=[value]))
        for name, value in values.items()
    }
    return tf.train.Example(features=tf.train.Features(feature=features)).SerializeToString()


def recipe(
    mean: float | None = None,
    pet: float | None = None,
    border: float | None = None,
    max_drop: float = 1.0,
    slice_limit: SliceLimit | None = None,
) -> Recipe:
    """The pets recipe with another gate."""
    limits = {"mean_iou": mean, "iou_pet": pet, "iou_border": border}
    gate = Gate(
        limits={key: limit for key, limit in limits.items() if limit is not None},
        max_drop=max_drop,
        slice_limit=slice_limit,
    )
    return load_recipe("pets").model_copy(update={"gate": gate})
