"""The encoders of keras-hub: weights and scaling, and what is said where keras-hub is missing."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from models import registry
from models.backbones import mit_b0, resnet_18

BUILD = """
from models import registry
for name in ("deeplabv3plus", "segformer"):
    try:
        registry.build_model("segmentation", name, 64, 3, "none")
    except ValueError as error:
        print(error)
registry.build_model("segmentation", "unet", 64, 3, "none")
"""

# Another ResNet than the architecture's own, as another preset is.
SLIM_RESNET: dict[str, Any] = {
    **resnet_18._BACKBONE.config,
    "stackwise_num_filters": [64, 64, 64, 64],
    "stackwise_num_blocks": [1, 1, 1, 1],
}


@pytest.fixture(scope="module")
def backbones() -> dict[str, keras.Model]:
    """Each architecture's encoder as keras-hub makes it."""
    import keras_hub

    keras.utils.set_random_seed(5)
    shape = (64, 64, 3)
    return {
        "segformer": keras_hub.models.MiTBackbone(image_shape=shape, **mit_b0._BACKBONE.config),
        "deeplabv3plus": keras_hub.models.ResNetBackbone(
            image_shape=shape, **resnet_18._BACKBONE.config
        ),
        "slim": keras_hub.models.ResNetBackbone(image_shape=shape, **SLIM_RESNET),
    }


@pytest.mark.parametrize(
    ("name", "source", "saved_as"),
    [
        ("segformer", "segformer", "preset"),
        ("segformer", "segformer", "encoder.weights.h5"),
        ("deeplabv3plus", "deeplabv3plus", "preset"),
        ("deeplabv3plus", "deeplabv3plus", "encoder.weights.h5"),
        ("deeplabv3plus", "slim", "preset"),
    ],
)
def test_the_encoder_is_the_one_at_the_path(
    backbones: dict[str, keras.Model], name: str, source: str, saved_as: str, tmp_path: Path
) -> None:
    backbone = backbones[source]
    path = str(tmp_path / saved_as)
    (backbone.save_to_preset if saved_as == "preset" else backbone.save_weights)(path)
    network = registry.build_model("segmentation", name, 64, 3, path)
    encoder, scale = network.get_layer("encoder"), network.get_layer("scale")
    for value, expected in zip(encoder.get_weights(), backbone.get_weights(), strict=True):
        np.testing.assert_array_equal(value, expected)

    # And it sees pixels as keras-hub's converters of ImageNet presets would hand them over.
    images = np.random.default_rng(0).uniform(0, 255, (2, 64, 64, 3)).astype(np.float32)
    mean, deviation = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
    scaled = ((images / 255 - mean) / deviation).astype(np.float32)
    levels = keras.Model(backbone.input, backbone.pyramid_outputs)(scaled, training=False)
    for level, value in encoder(scale(images), training=False).items():
        np.testing.assert_allclose(value, levels[level], rtol=1e-3, atol=1e-3)


def test_weights_of_another_kind_are_refused_in_words(
    backbones: dict[str, keras.Model], tmp_path: Path
) -> None:
    text = tmp_path / "text.weights.h5"
    text.write_text("no weights")
    backbones["slim"].save_to_preset(str(tmp_path / "resnet"))
    (tmp_path / "empty").mkdir()
    for path, reason in (
        (text, "Unable to"),
        (tmp_path / "resnet", "Saved preset has type `ResNetBackbone`"),
        (tmp_path / "empty", "has no config.json"),
    ):
        with pytest.raises(ValueError) as raised:
            registry.build_model("segmentation", "segformer", 64, 3, str(path))
        message = str(raised.value)
        assert message.startswith(f"ENCODER_WEIGHTS={path} does not fit MiTBackbone: ")
        assert reason in message
        assert "\n" not in message


def test_without_keras_hub_the_others_are_built(without_keras_hub: dict[str, str]) -> None:
    done = subprocess.run(
        [sys.executable, "-S", "-c", BUILD],
        env=without_keras_hub,
        check=True,
        capture_output=True,
        text=True,
    )
    assert done.stdout.splitlines() == [
        f"ENCODER={name} needs keras-hub, which is not installed; install it with "
        "`uv sync --extra keras-hub`, or set MODEL=unet and no other ENCODER."
        for name in ("resnet_18", "mit_b0")
    ]
