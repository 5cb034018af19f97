import io

import numpy as np
import tensorflow as tf
from PIL import Image

from tfrecords import scenes
from tfrecords.example import LabelledImage


def test_tensorflow_reads_the_record_back() -> None:
    scene = scenes.draw(0, 0)
    image = LabelledImage("Größe_1", "Größe", "cat", scene.jpeg(), scene.png(0))
    example = tf.train.Example.FromString(image.serialize())
    values = {key: list(item.bytes_list.value) for key, item in example.features.feature.items()}
    assert values == {
        "image": [image.image],
        "label": [image.label],
        "name": ["Größe_1".encode()],
        "breed": ["Größe".encode()],
        "species": [b"cat"],
    }
    assert tf.train.Example.FromString(image.serialize()) == example
    mask = tf.io.decode_png(image.label).numpy()[:, :, 0]
    np.testing.assert_array_equal(mask, scene.trimap - 1)
    assert Image.open(io.BytesIO(image.label)).mode == "L"


def test_a_record_holds_bytes_and_no_list_of_pixels() -> None:
    record = LabelledImage("a", "other", "other", b"x" * 100_000, b"y" * 300).serialize()
    example = tf.train.Example.FromString(record)
    kinds = {item.WhichOneof("kind") for item in example.features.feature.values()}
    assert kinds == {"bytes_list"}
    assert len(record) < 100_300 + 200
