"""ResNet-20 for images of 32 pixels.

He et al., "Deep Residual Learning for Image Recognition", 2015 (arXiv:1512.03385), section 4.2:
three stages of three blocks, 16, 32 and 64 channels; shortcuts without weights, which take every
second pixel and pad the new channels with zeros.
"""

import keras
from keras import layers, ops

from models.batch_norm import FusedBatchNormalization
from models.convolution import Convolution

STRIDE = 4
_BLOCKS = 3
_FILTERS = (16, 32, 64)
_MOMENTUM = 0.9


def build(image_size: int, num_outputs: int) -> keras.Model:
    """Build the network.

    Args:
        image_size: S, a multiple of STRIDE.
        num_outputs: C.

    Returns:
        A model from float32 [N, S, S, 3] in 0..255 to logits float32 [N, C].
    """
    inputs = keras.Input((image_size, image_size, 3), name="image")
    x = layers.Rescaling(1 / 63.75, offset=-2.0, name="scale")(inputs)
    x = layers.ReLU()(_convolution(x, _FILTERS[0]))
    for stage, filters in enumerate(_FILTERS):
        for block in range(_BLOCKS):
            x = _block(x, filters, strides=2 if stage and not block else 1)
    x = layers.GlobalAveragePooling2D()(x)
    logits = layers.Dense(num_outputs, dtype="float32", name="logits")(x)
    return keras.Model(inputs, logits, name="resnet20")


def _block(x: keras.KerasTensor, filters: int, strides: int) -> keras.KerasTensor:
    residual = layers.ReLU()(_convolution(x, filters, strides))
    residual = _convolution(residual, filters)
    if strides > 1:
        room = (filters - x.shape[-1]) // 2
        x = ops.pad(x[:, ::strides, ::strides], [[0, 0], [0, 0], [0, 0], [room, room]])
    return layers.ReLU()(layers.Add()([x, residual]))


def _convolution(x: keras.KerasTensor, filters: int, strides: int = 1) -> keras.KerasTensor:
    x = Convolution(
        filters,
        3,
        strides=strides,
        padding="same",
        use_bias=False,
        kernel_initializer="he_normal",
    )(x)
    return FusedBatchNormalization(momentum=_MOMENTUM)(x)
