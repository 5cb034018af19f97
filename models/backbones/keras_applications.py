"""Encoders of keras.applications, with its pretrained weights."""

from collections.abc import Callable
from dataclasses import dataclass

import keras
from keras import layers

from models.backbones import weights


@dataclass(frozen=True)
class Backbone:
    """A feature pyramid.

    Attributes:
        kind: name of its function in `keras.applications`.
        levels: names of the layers that give the feature maps, by stride.
        scale: layers between pixels in 0..255 and what the network expects; none where it scales
            them itself.
    """

    kind: str
    levels: dict[int, str]
    scale: Callable[[keras.KerasTensor], keras.KerasTensor] | None = None

    @property
    def STRIDES(self) -> tuple[int, ...]:
        """Of the feature maps."""
        return tuple(self.levels)

    @property
    def _file(self) -> str:
        return f"a {self.kind} weights file (.h5)"

    def check(self, encoder_weights: str) -> None:
        """Raise ValueError if weights that are a path do not exist."""
        weights.check_path(encoder_weights, self._file)

    def features(
        self, image_size: int, encoder_weights: str
    ) -> tuple[keras.KerasTensor, dict[int, keras.KerasTensor]]:
        """Begin a network: its input, and a layer `encoder`.

        Args:
            image_size: S, a multiple of 32.
            encoder_weights: `imagenet` (downloaded by Keras), `none`, or a path to a weights file
                of the same network of keras.applications without top.

        Returns:
            The input, float32 [N, S, S, 3] in 0..255, and the feature maps by stride.

        Raises:
            ValueError: the weights cannot be had.
        """
        network = getattr(keras.applications, self.kind)
        shape = (image_size, image_size, 3)
        images = keras.Input(shape, name="image")
        scaled = self.scale(images) if self.scale else images
        if encoder_weights == weights.NONE:
            backbone = network(input_shape=shape, include_top=False, weights=None)
        else:
            with weights.loading(encoder_weights, self.kind, self._file) as found:
                backbone = network(input_shape=shape, include_top=False, weights=found)
        outputs = [backbone.get_layer(name).output for name in self.levels.values()]
        encoder = keras.Model(backbone.input, outputs, name="encoder")
        if encoder_weights == weights.NONE:
            for layer in encoder.layers:
                if isinstance(layer, layers.BatchNormalization):
                    layer.momentum = weights.SCRATCH_MOMENTUM
        return images, dict(zip(self.levels, encoder(scaled), strict=True))
