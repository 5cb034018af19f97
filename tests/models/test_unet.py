"""The U-Net: contract, weights and that it learns."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
from drawn_pets import IMAGE_SIZE, NUM_CLASSES, draw_pixels

from models import train, unet
from models.callbacks import WarmUpCosine
from models.config import TrainingConfig

BUILD_WITHOUT_NETWORK = """
from models import unet
try:
    unet.build(64, 3, "imagenet")
except ValueError as error:
    print("ValueError:", error)
"""


def batch_norms(model: keras.Model) -> list[keras.layers.BatchNormalization]:
    """All BatchNorm layers, the encoder's included."""
    layers = model._flatten_layers(include_self=False)
    return [layer for layer in layers if isinstance(layer, keras.layers.BatchNormalization)]


@pytest.mark.parametrize("image_size", [32, 96])
@pytest.mark.parametrize("num_classes", [2, 5])
def test_logits(image_size: int, num_classes: int) -> None:
    model = unet.build(image_size, num_classes, "none")
    images = np.full((2, image_size, image_size, 3), 255, np.float32)
    logits = keras.ops.convert_to_numpy(model(images, training=False))
    assert logits.dtype == np.float32
    assert logits.shape == (2, image_size, image_size, num_classes)
    assert np.isfinite(logits).all()


def test_pixels_are_scaled_to_plus_minus_one_by_the_first_layer() -> None:
    model = unet.build(32, 3, "none")
    scaled = keras.Model(model.input, model.get_layer("scale").output)
    images = np.zeros((1, 32, 32, 3), np.float32)
    images[0, 0, 0] = 255
    found = keras.ops.convert_to_numpy(scaled(images))
    assert (found.min(), found.max()) == (-1, 1)


@pytest.mark.parametrize("image_size", [100, 31, 65])
def test_a_size_that_is_no_multiple_of_32_is_refused_in_words(image_size: int) -> None:
    with pytest.raises(ValueError, match=f"IMAGE_SIZE={image_size} .* multiple of 32"):
        unet.build(image_size, 3, "none")


def test_weights_that_do_not_exist_are_refused_in_words(tmp_path: Path) -> None:
    missing = tmp_path / "missing.h5"
    with pytest.raises(ValueError) as raised:
        unet.build(64, 3, str(missing))
    message = str(raised.value)
    assert f"ENCODER_WEIGHTS={missing} is no file" in message
    assert "imagenet" in message and "none" in message


@pytest.mark.filterwarnings("ignore:Skipping nested container")
def test_weights_of_another_kind_are_refused_in_words(tmp_path: Path) -> None:
    text = tmp_path / "weights.h5"
    text.write_text("no weights")
    with pytest.raises(ValueError, match="ENCODER_WEIGHTS=.* does not fit MobileNetV2"):
        unet.build(64, 3, str(text))
    other = tmp_path / "other.weights.h5"
    inputs = keras.Input((4,))
    keras.Model(inputs, keras.layers.Dense(2)(inputs)).save_weights(other)
    with pytest.raises(ValueError, match="ENCODER_WEIGHTS=.* does not fit MobileNetV2"):
        unet.build(64, 3, str(other))


def test_imagenet_without_a_network_names_the_ways_out(tmp_path: Path) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))  # bound but not listening: refuses at once
        proxy = f"http://127.0.0.1:{closed.getsockname()[1]}"
        environment = {
            **os.environ,
            "KERAS_HOME": str(tmp_path),
            "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
            **dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"), proxy),
            **dict.fromkeys(("no_proxy", "NO_PROXY"), ""),
        }
        result = subprocess.run(
            [sys.executable, "-c", BUILD_WITHOUT_NETWORK],
            env=environment,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=True,
            timeout=120,
        )
    message = result.stdout[result.stdout.index("ValueError:") :]
    assert "ENCODER_WEIGHTS=imagenet could not be downloaded" in message
    assert "set ENCODER_WEIGHTS to the path" in message
    assert "ENCODER_WEIGHTS=none" in message


def test_from_scratch_every_batch_norm_has_momentum_09() -> None:
    momenta = [layer.momentum for layer in batch_norms(unet.build(64, 3, "none"))]
    assert len(momenta) > 50
    assert set(momenta) == {0.9}


@pytest.mark.parametrize("file_name", ["encoder.weights.h5", "encoder.h5"])
def test_the_encoders_weights_come_from_the_file(tmp_path: Path, file_name: str) -> None:
    keras.utils.set_random_seed(11)
    # Files that keras.applications publishes were saved at 224 px.
    source = keras.applications.MobileNetV2((224, 224, 3), include_top=False, weights=None)
    rng = np.random.default_rng(0)
    source.set_weights([rng.uniform(0.1, 1, value.shape) for value in source.get_weights()])
    path = tmp_path / file_name
    (source.save_weights if file_name.endswith(".weights.h5") else source.save)(path)

    encoder = unet.build(64, 3, str(path)).get_layer("encoder")
    compared = 0
    for layer in (layer for layer in encoder.layers if layer.weights):
        expected = source.get_layer(layer.name).get_weights()
        for found, value in zip(layer.get_weights(), expected, strict=True):
            np.testing.assert_array_equal(found, value)
            compared += 1
    assert compared > 200
    # Fine-tuning keeps the momentum that keras.applications sets.
    assert {layer.momentum for layer in batch_norms(encoder)} == {0.999}


def test_different_seeds_give_different_weights_and_the_same_the_same() -> None:
    def weights(seed: int) -> list[np.ndarray]:
        keras.utils.set_random_seed(seed)
        return unet.build(32, 3, "none").get_weights()

    first, again, other = weights(1), weights(1), weights(2)
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert not all(np.array_equal(a, b) for a, b in zip(first, other, strict=True))


def test_overfits_four_images(config: TrainingConfig) -> None:
    keras.utils.set_random_seed(1)
    steps = 60
    model = train.compiled_model(config)
    pixels, ids = zip(
        *(draw_pixels(seed, (IMAGE_SIZE, IMAGE_SIZE)) for seed in range(4)), strict=True
    )
    images, masks = np.stack(pixels).astype(np.float32), np.stack(ids)
    schedule = WarmUpCosine(config.learning_rate, total_steps=steps)
    history = model.fit(images, masks, batch_size=4, epochs=steps, callbacks=[schedule], verbose=0)
    losses = history.history["loss"]
    # Equal logits cost ln 3 of cross-entropy and about two thirds of Dice.
    assert 1.2 < losses[0] < 3
    assert losses[-1] < 0.25 * losses[0]
    # Inference, which uses the BatchNorm layers' moving averages, has learned the images too.
    predicted = model.predict_on_batch(images).argmax(axis=-1)
    assert set(np.unique(predicted)) == set(range(NUM_CLASSES))
    assert (predicted == masks).mean() > 0.8
