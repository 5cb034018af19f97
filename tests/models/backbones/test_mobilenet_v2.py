"""MobileNetV2 as an encoder: what the contract of every architecture leaves open."""

from pathlib import Path

import keras
import numpy as np
import pytest

from models import registry


def build(image_size: int, num_outputs: int, encoder_weights: str) -> keras.Model:
    return registry.build_model("segmentation", "unet", image_size, num_outputs, encoder_weights)


def test_pixels_are_scaled_to_plus_minus_one_by_the_first_layer() -> None:
    model = build(32, 3, "none")
    scaled = keras.Model(model.input, model.get_layer("scale").output)
    images = np.zeros((1, 32, 32, 3), np.float32)
    images[0, 0, 0] = 255
    found = keras.ops.convert_to_numpy(scaled(images))
    assert (found.min(), found.max()) == (-1, 1)


@pytest.mark.filterwarnings("ignore:Skipping nested container")
def test_weights_of_another_kind_are_refused_in_words(tmp_path: Path) -> None:
    text = tmp_path / "weights.h5"
    text.write_text("no weights")
    with pytest.raises(ValueError, match="ENCODER_WEIGHTS=.* does not fit MobileNetV2"):
        build(64, 3, str(text))
    other = tmp_path / "other.weights.h5"
    inputs = keras.Input((4,))
    keras.Model(inputs, keras.layers.Dense(2)(inputs)).save_weights(other)
    with pytest.raises(ValueError, match="ENCODER_WEIGHTS=.* does not fit MobileNetV2"):
        build(64, 3, str(other))


@pytest.mark.parametrize("file_name", ["encoder.weights.h5", "encoder.h5"])
def test_the_encoders_weights_come_from_the_file(tmp_path: Path, file_name: str) -> None:
    keras.utils.set_random_seed(11)
    # Files that keras.applications publishes were saved at 224 px.
    source = keras.applications.MobileNetV2((224, 224, 3), include_top=False, weights=None)
    rng = np.random.default_rng(0)
    source.set_weights([rng.uniform(0.1, 1, value.shape) for value in source.get_weights()])
    path = tmp_path / file_name
    (source.save_weights if file_name.endswith(".weights.h5") else source.save)(path)

    encoder = build(64, 3, str(path)).get_layer("encoder")
    compared = 0
    for layer in (layer for layer in encoder.layers if layer.weights):
        expected = source.get_layer(layer.name).get_weights()
        for found, value in zip(layer.get_weights(), expected, strict=True):
            np.testing.assert_array_equal(found, value)
            compared += 1
    assert compared > 200
    # Fine-tuning keeps the momentum that keras.applications sets.
    norms = [x for x in encoder.layers if isinstance(x, keras.layers.BatchNormalization)]
    assert {norm.momentum for norm in norms} == {0.999}
