"""Class ids as labels: read, and judged record by record."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from models.task import Classes

_CONVERT = "convert the images with `python -m tfrecords.create_tfrecords_class_folders`"


def decode_label(raw: tf.Tensor) -> tf.Tensor:
    """Return a class id as networks train with it: scalar int64 to int32."""
    return tf.cast(raw, tf.int32)


def resize_label(label: tf.Tensor, image_size: int) -> tf.Tensor:
    """Return the class id itself, which no size changes."""
    return label


def label_spec(image_size: int) -> tf.TensorSpec:
    """Return a class id: int32, scalar."""
    return tf.TensorSpec([], tf.int32)


def describe_label(raw: tf.Tensor) -> dict[str, tf.Tensor]:
    """Return what is judged of a class id: itself."""
    return {"label": raw}


def find_fault(
    label: Mapping[str, Any], image_size: npt.NDArray[np.int32], classes: Classes
) -> str:
    """Why a label is no class id; empty if it is one."""
    value, count = int(label["label"]), len(classes.names)
    if 0 <= value < count:
        return ""
    return f"the label is {value}, and not one of the class ids 0 to {count - 1}; {_CONVERT}"


def find_classes(label: Mapping[str, Any]) -> set[int]:
    """Return the one class that an image is of."""
    return {int(label["label"])}
