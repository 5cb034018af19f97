"""Scores LiteRT models on labelled examples, by the very counts that the Evaluator's gate uses."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from components.artifacts.examples import parse, raw_label, text, value
from components.edge_exporter.runtime import LiteModel, Pixels
from models import preprocessing
from models.config import TrainingConfig
from models.registry import load_learning

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
    """Each model's figures, of counts at the images' own resolution."""
    learning = load_learning(config.task)
    count = learning.edge_counter(config)
    sums: dict[str, Sums] = {name: {} for name in models}
    for pixels, label in examples:
        for name, model in models.items():
            for key, counted in count(label, model.answer(pixels)).items():
                sums[name][key] = sums[name].get(key, 0.0) + counted
    return {name: learning.figures(sums[name], config.class_names) for name in models}
