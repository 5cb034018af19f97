"""Classification behind the seam: see `models.task.Learning`."""

import keras

from models.classification.augmentation import augment
from models.classification.calibration import fit_temperature, fit_thresholds
from models.classification.edge import edge_answer, edge_counter, edge_head
from models.classification.labels import (
    decode_label,
    describe_label,
    find_classes,
    find_fault,
    label_spec,
    resize_label,
)
from models.classification.losses import SmoothedCrossEntropy
from models.classification.metrics import count_specs, figures
from models.classification.predictions import (
    answers,
    describe_answer,
    judge,
    logits_spec,
    serve,
)
from models.classification.saliency import highlight
from models.classification.samples import answer, labelled, sample
from models.config import TrainingConfig

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
    "fit_temperature",
    "fit_thresholds",
    "highlight",
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
    """Cross-entropy with the configuration's label smoothing and weights of classes."""
    return SmoothedCrossEntropy(config.label_smoothing, config.class_weights)


def metric(num_classes: int) -> keras.metrics.Metric:
    """Return the share of images whose likeliest class is the true one."""
    return keras.metrics.SparseCategoricalAccuracy(name="accuracy")
