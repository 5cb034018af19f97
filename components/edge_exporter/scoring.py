"""Scores LiteRT models on labelled examples, by the very counts that the Evaluator's gate uses."""

from collections.abc import Iterable, Iterator, Mapping

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from components.edge_exporter.runtime import LiteModel, Pixels
from models import metrics, preprocessing
from models.examples import text, value


class ExampleError(ValueError):
    """Which example cannot be used, in one sentence."""


def decoded(records: Iterable[bytes], split: str) -> Iterator[tuple[Pixels, tf.Tensor]]:
    """Images, uint8 [H, W, 3] RGB, and their masks of class ids, uint8 [H, W].

    Args:
        records: serialized examples.
        split: whose they are, for people.

    Raises:
        ExampleError: one of them holds no image or no mask.
    """
    for number, record in enumerate(records):
        example = tf.train.Example.FromString(record)
        try:
            image = preprocessing.decode_image(value(example, preprocessing.IMAGE))
            mask = preprocessing.decode_mask(value(example, preprocessing.LABEL))
        except tf.errors.InvalidArgumentError:
            raise ExampleError(
                f"Example {number} of split {split}, `{text(example, 'name')}`, holds no image "
                "with a mask: convert the data set again."
            ) from None
        yield image.numpy(), mask


def confusion_matrices(
    models: Mapping[str, LiteModel], examples: Iterable[tuple[Pixels, tf.Tensor]], num_classes: int
) -> dict[str, npt.NDArray[np.float64]]:
    """Each model's sum of `models.metrics.confusion_matrix`, at the images' own resolution."""
    spec = tf.TensorSpec([None, None], tf.uint8)
    count = tf.function(
        lambda truth, mask: metrics.confusion_matrix(truth, mask, num_classes),
        input_signature=[spec, spec],
    )
    sums = {name: np.zeros((num_classes, num_classes)) for name in models}
    for pixels, truth in examples:
        for name, model in models.items():
            sums[name] += count(truth, model.segment(pixels)).numpy()
    return sums


def figures(confusion: npt.NDArray[np.float64], class_names: list[str]) -> dict[str, float]:
    """`mean_iou` and each class's `iou_NAME`; NaN where there is nothing to judge by."""
    found = metrics.figures(confusion, np.zeros((len(class_names), 2)), class_names)
    return {name: found[name] for name in ("mean_iou", *(f"iou_{one}" for one in class_names))}
