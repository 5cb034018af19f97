"""Encoders of keras-hub, an optional package, with its pretrained weights.

Its decoders are not used: they resize with `keras.layers.Resizing`, whose `training` is True unless
said otherwise, and Keras 3.15 hands that on to the layers that follow. A model called or exported
without `training` would then normalise by the statistics of the batch that it is answering.
"""

import importlib.util
import os
from typing import Any

import keras
from keras import layers

from models import encoder_weights as weights

_KIND = "a keras-hub preset folder or weights file (.weights.h5)"

# Of ImageNet's training images, RGB in 0..255: what the presets' own converters scale by.
_MEAN = (123.675, 116.28, 103.53)
_DEVIATION = (58.395, 57.12, 57.375)


def check(model: str, encoder_weights: str) -> None:
    """Looks whether keras-hub and the weights are there, without importing or reading them.

    Args:
        model: name of the architecture, for the message.
        encoder_weights: the setting.

    Raises:
        ValueError: keras-hub is not installed, or the weights do not exist.
    """
    if importlib.util.find_spec("keras_hub") is None:
        raise ValueError(
            f"MODEL={model} needs keras-hub, which is not installed; install it with "
            "`uv sync --extra keras-hub`, or set MODEL=unet."
        )
    weights.check_path(encoder_weights, _KIND, folders=True)


def features(
    backbone_name: str,
    preset: str,
    config: dict[str, Any],
    image_size: int,
    encoder_weights: str,
) -> tuple[keras.KerasTensor, dict[str, keras.KerasTensor]]:
    """Begins a network: its input, the scaling that the presets expect, and a layer `encoder`.

    Args:
        backbone_name: a feature pyramid of `keras_hub.models`.
        preset: the preset of it that `imagenet` means.
        config: the backbone's arguments where no preset says them.
        image_size: S.
        encoder_weights: `imagenet`, `none`, or the path of a preset folder or of a weights file.

    Returns:
        The input, float32 [N, S, S, 3] in 0..255, and the feature maps by keras-hub's names.

    Raises:
        ValueError: the weights cannot be had or do not fit.
    """
    import keras_hub  # here, because it takes ten seconds

    backbone_class = getattr(keras_hub.models, backbone_name)
    shape = (image_size, image_size, 3)
    if encoder_weights == weights.NONE:
        backbone = backbone_class(image_shape=shape, **config)
    else:
        with weights.loading(encoder_weights, backbone_name, _KIND) as found:
            if os.path.isfile(found):
                backbone = backbone_class(image_shape=shape, **config)
                backbone.load_weights(found)
            else:
                source = preset if found == weights.IMAGENET else found
                backbone = backbone_class.from_preset(source, image_shape=shape)
    encoder = keras.Model(backbone.input, backbone.pyramid_outputs, name="encoder")
    images = keras.Input(shape, name="image")
    variance = [deviation**2 for deviation in _DEVIATION]
    scale = layers.Normalization(mean=_MEAN, variance=variance, dtype="float32", name="scale")
    return images, encoder(scale(images))
