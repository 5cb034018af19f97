"""Encoders of keras-hub, an optional package, with its pretrained weights.

Its decoders are not used: they resize with `keras.layers.Resizing`, whose `training` is True unless
said otherwise, and Keras 3.15 hands that on to the layers that follow. A model called or exported
without `training` would then normalise by the statistics of the batch that it is answering.
"""

import importlib.util
import os
from dataclasses import dataclass
from typing import Any

import keras
from keras import layers

from models.backbones import weights

_KIND = "a keras-hub preset folder or weights file (.weights.h5)"

# Of ImageNet's training images, RGB in 0..255: what the presets' own converters scale by.
_MEAN = (123.675, 116.28, 103.53)
_DEVIATION = (58.395, 57.12, 57.375)


@dataclass(frozen=True)
class Backbone:
    """A feature pyramid.

    Attributes:
        name: that ENCODER takes.
        kind: its class in `keras_hub.models`.
        preset: what `imagenet` means.
        config: the class's arguments where no preset says them.
        levels: keras-hub's names of the feature maps by stride.
    """

    name: str
    kind: str
    preset: str
    config: dict[str, Any]
    levels: dict[int, str]

    @property
    def strides(self) -> tuple[int, ...]:
        """Of the feature maps."""
        return tuple(self.levels)

    def check(self, encoder_weights: str) -> None:
        """Look whether keras-hub and the weights are there, without importing or reading them.

        Args:
            encoder_weights: the setting.

        Raises:
            ValueError: keras-hub is not installed, or the weights do not exist.
        """
        if importlib.util.find_spec("keras_hub") is None:
            raise ValueError(
                f"ENCODER={self.name} needs keras-hub, which is not installed; install it with "
                "`uv sync --extra keras-hub`, or set MODEL=unet and no other ENCODER."
            )
        weights.check_path(encoder_weights, _KIND, folders=True)

    def features(
        self, image_size: int, encoder_weights: str
    ) -> tuple[keras.KerasTensor, dict[int, keras.KerasTensor]]:
        """Begin a network: its input, the scaling that the presets expect, and a layer `encoder`.

        Args:
            image_size: S.
            encoder_weights: `imagenet` (downloaded by keras-hub), `none`, or the path of a preset
                folder of the backbone's class, of any size, or of a weights file of this one.

        Returns:
            The input, float32 [N, S, S, 3] in 0..255, and the feature maps by stride.

        Raises:
            ValueError: the weights cannot be had or do not fit.
        """
        import keras_hub  # here, because it takes ten seconds

        backbone_class = getattr(keras_hub.models, self.kind)
        shape = (image_size, image_size, 3)
        if encoder_weights == weights.NONE:
            backbone = backbone_class(image_shape=shape, **self.config)
        else:
            with weights.loading(encoder_weights, self.kind, _KIND) as found:
                if os.path.isfile(found):
                    backbone = backbone_class(image_shape=shape, **self.config)
                    backbone.load_weights(found)
                else:
                    source = self.preset if found == weights.IMAGENET else found
                    backbone = backbone_class.from_preset(source, image_shape=shape)
        encoder = keras.Model(backbone.input, backbone.pyramid_outputs, name="encoder")
        images = keras.Input(shape, name="image")
        variance = [deviation**2 for deviation in _DEVIATION]
        scale = layers.Normalization(mean=_MEAN, variance=variance, dtype="float32", name="scale")
        pyramid = encoder(scale(images))
        return images, {stride: pyramid[level] for stride, level in self.levels.items()}
