import io

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from tfrecords.drawing import scenes
from tfrecords.example import ClassifiedImage, LabelledImage, read_image


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


@pytest.mark.parametrize("label", [0, 9, 300])
def test_a_class_is_one_integer_in_the_bytes_that_tensorflow_writes(label: int) -> None:
    record = ClassifiedImage("Größe/1", b"image", label).serialize()
    example = tf.train.Example.FromString(record)
    feature = example.features.feature
    assert list(feature["label"].int64_list.value) == [label]
    assert feature["name"].bytes_list.value == ["Größe/1".encode()]
    # The digest of a data set is taken over these, here and from the ingested examples.
    assert example.SerializeToString(deterministic=True) == record


def test_the_image_is_found_in_records_of_any_writer() -> None:
    image = b"\xff\xd8" + bytes(range(256)) * 100
    assert read_image(LabelledImage("a", "b", "cat", image, b"mask").serialize()) == image
    assert read_image(ClassifiedImage("a", image, 300).serialize()) == image
    example = tf.train.Example()
    for name in ("weight", "image", "a"):  # protobuf orders a map as it likes
        feature = example.features.feature[name]
        feature.bytes_list.value.append(image) if name == "image" else None
        feature.float_list.value.append(0.5) if name == "weight" else None
    assert read_image(example.SerializeToString()) == image


@pytest.mark.parametrize(
    "record",
    [
        b"",
        b"no example",
        b"\xff" * 20,
        tf.train.Example().SerializeToString(),
        ClassifiedImage("a", b"image", 1).serialize()[:5],
        tf.train.Example(
            features=tf.train.Features(feature={"image": tf.train.Feature()})
        ).SerializeToString(),
    ],
)
def test_a_record_without_an_image_is_told(record: bytes) -> None:
    with pytest.raises(ValueError):
        read_image(record)
