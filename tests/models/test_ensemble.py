"""Several networks that answer as one."""

from pathlib import Path

import keras
import numpy as np
import pytest

from models.calibration import rescale
from models.ensemble import average, load_network
from tests.models.drawn_pets import IMAGE_SIZE, NUM_CLASSES, draw_pixels

IMAGES = np.stack([draw_pixels(seed, (IMAGE_SIZE, IMAGE_SIZE))[0] for seed in range(2)])


def ask(network: keras.Model) -> np.ndarray:
    return np.asarray(network(IMAGES.astype(np.float32), training=False))


def test_an_exported_network_is_made_again(saved_model: Path, network: keras.Model) -> None:
    again = load_network(str(saved_model), "again")
    np.testing.assert_allclose(ask(again), ask(network), rtol=1e-4, atol=1e-4)
    assert again.name == "again"


def test_the_average_is_that_of_the_logits(network: keras.Model) -> None:
    moved = np.arange(NUM_CLASSES, dtype=np.float32)
    other = keras.Model(network.inputs, rescale(network, moved, 2.0).outputs[0], name="other")
    expected = (ask(network) + (ask(network) + moved) / 2) / 2
    np.testing.assert_allclose(ask(average([network, other])), expected, rtol=1e-4, atol=1e-4)


def test_networks_of_other_shapes_have_no_average(network: keras.Model) -> None:
    pooled = keras.layers.AveragePooling2D(2)(network.outputs[0])
    with pytest.raises(ValueError, match="different shapes"):
        average([network, keras.Model(network.inputs, pooled, name="pooled")])
