"""What tests of the converter of photos and trimaps share."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from PIL import Image

from tfrecords.create_tfrecords_pets import create_tfrecords
from tfrecords.dataset import DatasetInfo


def convert(raw: Path, output: Path, **options: Any) -> DatasetInfo:
    return create_tfrecords(str(raw / "images"), str(raw / "trimaps"), str(output), **options)


def parsed(record: bytes) -> dict[str, bytes]:
    features = tf.train.Example.FromString(record).features.feature
    return {key: item.bytes_list.value[0] for key, item in features.items()}


def pixels(data: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(data)))


def cli(raw: Path, output: Path, *more: str) -> list[str]:
    folders = ["--images", str(raw / "images"), "--trimaps", str(raw / "trimaps")]
    return [*folders, "--output", str(output), *more]
