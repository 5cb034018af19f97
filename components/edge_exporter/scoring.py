"""Scores LiteRT models on labelled examples, by the very counts that the Evaluator's gate uses."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from components.artifacts.examples import parse, raw_label, text, value
from components.edge_exporter.runtime import LiteModel, Pixels
from components.edge_exporter.variants import FLOAT32
from models import preprocessing
from models.config import TrainingConfig
from models.registry import load_learning, load_task

OTHERWISE = "decided_otherwise"
_CONFUSION = "confusion_matrix"

Sums = dict[str, npt.NDArray[np.float64]]


class ExampleError(ValueError):
    """Which example cannot be used, in one sentence."""


def decoded(
    records: Iterable[bytes], split: str, config: TrainingConfig
) -> Iterator[tuple[Pixels, tf.Tensor]]:
    """Images, uint8 [H, W, 3] RGB, and their labels as the task decodes them.

    Args:
        records: serialized examples.
        split: whose they are, for people.
        config: what was trained.

    Raises:
        ExampleError: one of them holds no image or no label.
    """
    learning = load_learning(config.task)
    for number, record in enumerate(records):
        example = parse(record)
        try:
            image = preprocessing.decode_image(value(example, preprocessing.IMAGE))
            label = learning.decode_label(raw_label(example))
        except tf.errors.InvalidArgumentError:
            raise ExampleError(
                f"Example {number} of split {split}, `{text(example, 'name')}`, holds no image "
                "with a label: convert the data set again."
            ) from None
        yield image.numpy(), label


def score(
    models: Mapping[str, LiteModel],
    examples: Iterable[tuple[Pixels, tf.Tensor]],
    config: TrainingConfig,
) -> dict[str, dict[str, Any]]:
    """Each model's figures, of counts at the images' own resolution.

    Where the task decides for one class of an image, they have OTHERWISE as well: the share of the
    images for which a model decides otherwise than the one named FLOAT32.
    """
    learning, decides = load_learning(config.task), not load_task(config.task).draws_classes
    count = learning.edge_counter(config)
    sums: dict[str, Sums] = {name: {} for name in models}
    decided: dict[str, list[npt.NDArray[np.float64]]] = {name: [] for name in models}
    for pixels, label in examples:
        for name, model in models.items():
            counts = count(label, model.answer(pixels))
            for key, counted in counts.items():
                sums[name][key] = sums[name].get(key, 0.0) + counted
            if decides and _CONFUSION in counts:
                decided[name].append(counts[_CONFUSION])
    figures = {name: learning.figures(sums[name], config.class_names) for name in models}
    for name, confusions in decided.items():
        if confusions and FLOAT32 in decided:
            differs = np.any(np.not_equal(confusions, decided[FLOAT32]), axis=(1, 2))
            figures[name][OTHERWISE] = float(differs.mean())
    return figures
