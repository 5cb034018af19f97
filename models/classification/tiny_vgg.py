"""TinyVGG: two blocks of two convolutions of ten channels.

Wang et al., "CNN Explainer", 2020 (arXiv:2004.15004).
"""

import keras
from keras import layers

from models.convolution import Convolution

STRIDE = 4
_FILTERS = 10


def build(image_size: int, num_outputs: int) -> keras.Model:
    """Build the network.

    Args:
        image_size: S, a multiple of STRIDE.
        num_outputs: C.

    Returns:
        A model from float32 [N, S, S, 3] in 0..255 to logits float32 [N, C].
    """
    inputs = keras.Input((image_size, image_size, 3), name="image")
    x = layers.Rescaling(1 / 255, name="scale")(inputs)
    for _ in range(2):
        x = Convolution(_FILTERS, 3, padding="same", activation="relu")(x)
        x = Convolution(_FILTERS, 3, padding="same", activation="relu")(x)
        x = layers.MaxPooling2D()(x)
    logits = layers.Dense(num_outputs, dtype="float32", name="logits")(layers.Flatten()(x))
    return keras.Model(inputs, logits, name="tiny_vgg")
