"""A plain network: three convolutions with batch normalisation and dropout, and a hidden layer.

What a small data set is often begun with, and what others are compared with.
"""

import keras
from keras import layers

from models.batch_norm import FusedBatchNormalization
from models.convolution import Convolution

STRIDE = 8
_FILTERS = (32, 64, 128)
_HIDDEN = 240
_DROPOUT = 0.3
_MOMENTUM = 0.9


def build(image_size: int, num_outputs: int) -> keras.Model:
    """Build the network: 0.6 million weights at 32 pixels.

    Args:
        image_size: S, a multiple of STRIDE.
        num_outputs: C.

    Returns:
        A model from float32 [N, S, S, 3] in 0..255 to logits float32 [N, C].
    """
    inputs = keras.Input((image_size, image_size, 3), name="image")
    x = layers.Rescaling(1 / 127.5, offset=-1.0, name="scale")(inputs)
    for filters in _FILTERS:
        x = Convolution(filters, 3, padding="same", use_bias=False)(x)
        x = layers.ReLU()(FusedBatchNormalization(momentum=_MOMENTUM)(x))
        x = layers.Dropout(_DROPOUT)(layers.MaxPooling2D()(x))
    x = layers.Dense(_HIDDEN, activation="relu")(layers.Flatten()(x))
    logits = layers.Dense(num_outputs, dtype="float32", name="logits")(layers.Dropout(_DROPOUT)(x))
    return keras.Model(inputs, logits, name="cnn")
