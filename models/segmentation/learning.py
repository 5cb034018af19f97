"""Segmentation behind the seam: see `models.task.Learning`."""

from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from models.config import TrainingConfig
from models.segmentation import metrics
from models.segmentation.augmentation import augment
from models.segmentation.edge import edge_answer, edge_counter, edge_head
from models.segmentation.labels import (
    decode_mask,
    describe_mask,
    find_classes,
    find_fault,
    mask_spec,
    resize_mask,
)
from models.segmentation.losses import CrossEntropyDice
from models.segmentation.predictions import (
    answers,
    count_specs,
    describe_answer,
    judge,
    logits_spec,
    serve,
)
from models.segmentation.samples import answer, labelled, sample

decode_label = decode_mask
resize_label = resize_mask
label_spec = mask_spec
describe_label = describe_mask

__all__ = [
    "answer",
    "answers",
    "augment",
    "count_specs",
    "decode_label",
    "describe_answer",
    "describe_label",
    "edge_answer",
    "edge_counter",
    "edge_head",
    "figures",
    "find_classes",
    "find_fault",
    "judge",
    "label_spec",
    "labelled",
    "logits_spec",
    "loss",
    "metric",
    "resize_label",
    "sample",
    "serve",
]


def loss(config: TrainingConfig) -> keras.losses.Loss:
    """Cross-entropy and Dice."""
    return CrossEntropyDice(config.label_smoothing)


def metric(num_classes: int) -> keras.metrics.Metric:
    """Mean IoU over the pixels of all images together."""
    return keras.metrics.MeanIoU(num_classes, sparse_y_pred=False, name="mean_iou")


def figures(
    sums: Mapping[str, npt.NDArray[np.float64]], class_names: Sequence[str]
) -> dict[str, Any]:
    """`models.segmentation.metrics.figures` of sums, and the confusion matrix itself.

    A model of before there were boundary counts, and one on the edge, have none.
    """
    confusion = sums[metrics.CONFUSION]
    boundary = sums.get(metrics.BOUNDARY, np.zeros((len(class_names), 2)))
    return {
        **metrics.figures(confusion, boundary, class_names),
        metrics.CONFUSION: confusion,
    }
