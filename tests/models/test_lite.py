"""The graph's resizes against the pipeline's own, by LiteRT's interpreter."""

import numpy as np
import pytest
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter

from models import preprocessing
from models.lite import resize_image
from models.segmentation.edge import edge_head
from tests.models.drawn_pets import draw_pixels

SIZE = 64
CLASSES = 5
SIZES = [(1, 1), (1, 900), (900, 1), (2, 3), (37, 53), (64, 64), (128, 192), (375, 500), (501, 90)]


def interpreter(function) -> Interpreter:
    converter = tf.lite.TFLiteConverter.from_concrete_functions([function], tf.Module())
    return Interpreter(model_content=converter.convert(), num_threads=1)


def run(model: Interpreter, **given: np.ndarray) -> np.ndarray:
    for entry in model.get_input_details():
        [value] = [value for name, value in given.items() if name in entry["name"]]
        model.resize_tensor_input(entry["index"], value.shape)
    model.allocate_tensors()
    for entry in model.get_input_details():
        [value] = [value for name, value in given.items() if name in entry["name"]]
        model.set_tensor(entry["index"], value)
    model.invoke()
    return model.get_tensor(model.get_output_details()[0]["index"])


@pytest.fixture(scope="module")
def first() -> Interpreter:
    return interpreter(resize_image(SIZE))


@pytest.fixture(scope="module")
def last() -> Interpreter:
    return interpreter(edge_head(SIZE, CLASSES)[1])


@pytest.mark.parametrize("size", SIZES)
def test_pixels_are_those_of_the_pipeline(first: Interpreter, size: tuple[int, int]) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (*size, 3)).astype(np.uint8)
    for image in (noise, draw_pixels(1, size)[0]):
        found = run(first, image=image[np.newaxis])[0]
        expected = preprocessing.resize_image(image, SIZE).numpy()
        assert np.abs(found - expected).max() <= 1
        exact = tf.image.resize(image, (SIZE, SIZE), antialias=True).numpy()
        # Half a level may be rounded either way; there is many a half only where a side is a
        # small multiple of the network's.
        halves = np.abs(exact % 1 - 0.5) < 1e-4
        np.testing.assert_array_equal(found[~halves], expected[~halves])
        assert (found != expected).mean() < (1e-2 if size == (128, 192) else 1e-3)


@pytest.mark.parametrize("size", SIZES)
def test_class_ids_are_those_of_the_signatures(last: Interpreter, size: tuple[int, int]) -> None:
    rng = np.random.default_rng(1)
    logits = rng.normal(size=(1, SIZE, SIZE, CLASSES)).astype(np.float32)
    image = np.zeros((1, *size, 3), np.uint8)
    found = run(last, image=image, logits=logits)
    assert (found.shape, found.dtype) == ((1, *size), np.uint8)
    resized = np.sort(tf.image.resize(logits, size).numpy())
    expected = tf.argmax(tf.image.resize(logits, size), -1).numpy()
    decided = resized[..., -1] - resized[..., -2] > 1e-5  # only a tie may fall the other way
    np.testing.assert_array_equal(found[decided], expected[decided])
    assert decided.mean() > 0.99


def test_of_equal_logits_the_first_class_wins(last: Interpreter) -> None:
    logits = np.zeros((1, SIZE, SIZE, CLASSES), np.float32)
    logits[..., 2:4] = 1e-6
    assert (run(last, image=np.zeros((1, 9, 9, 3), np.uint8), logits=logits) == 2).all()
