"""Classification behind the seam: see `models.task.Learning`."""

import keras

from models.classification.augmentation import augment
from models.classification.calibration import fit_temperature
from models.classification.edge import edge_counter, edge_head
from models.classification.labels import (
    decode_label,
    describe_label,
    find_classes,
    find_fault,
    label_spec,
    resize_label,
)
from models.classification.losses import SmoothedCrossEntropy
from models.classification.metrics import figures
from models.classification.predictions import answers, judge, logits_spec, serve
from models.classification.samples import answer, sample
from models.config import TrainingConfig

__all__ = [
    "answer",
    "answers",
    "augment",
    "decode_label",
    "describe_label",
    "edge_counter",
    "edge_head",
    "figures",
    "find_classes",
    "find_fault",
    "fit_temperature",
    "judge",
    "label_spec",
    "logits_spec",
    "loss",
    "metric",
    "resize_label",
    "sample",
    "serve",
]


def loss(config: TrainingConfig) -> keras.losses.Loss:
    """Cross-entropy with the configuration's label smoothing."""
    return SmoothedCrossEntropy(config.label_smoothing)


def metric(num_classes: int) -> keras.metrics.Metric:
    """The share of images whose likeliest class is the true one."""
    return keras.metrics.SparseCategoricalAccuracy(name="accuracy")
