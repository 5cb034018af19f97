"""A small U-Net that learns from random weights on a processor.

Ronneberger et al., "U-Net: Convolutional Networks for Biomedical Image Segmentation", 2015
(arXiv:1505.04597). Plain 3 x 3 convolutions are what processors compute at their best; a strided
stem keeps them off the full resolution, and the channels double where the pixels quarter, so that
every stage costs about the same.
"""

import keras
from keras import layers

from models.batch_norm import FusedBatchNormalization
from models.convolution import Convolution

STRIDE = 16
_FILTERS = (32, 64, 128, 256)
# Moving averages that arrive within the few hundred steps of a short training.
_MOMENTUM = 0.9


def build(image_size: int, num_outputs: int) -> keras.Model:
    """Build the network.

    Args:
        image_size: S, a multiple of STRIDE.
        num_outputs: C.

    Returns:
        A model from float32 [N, S, S, 3] in 0..255 to logits float32 [N, S, S, C].
    """
    inputs = keras.Input((image_size, image_size, 3), name="image")
    x = layers.Rescaling(1 / 127.5, offset=-1.0, name="scale")(inputs)
    x = _convolution(x, _FILTERS[0], strides=2)
    skips = []
    for filters in _FILTERS[:-1]:
        x = _convolution(_convolution(x, filters), filters)
        skips.append(x)
        x = layers.MaxPooling2D()(x)
    x = _convolution(_convolution(x, _FILTERS[-1]), _FILTERS[-1])
    for filters, skip in zip(reversed(_FILTERS[:-1]), reversed(skips), strict=True):
        x = layers.UpSampling2D(interpolation="bilinear")(x)
        x = layers.Concatenate()([x, skip])
        x = _convolution(_convolution(x, filters), filters)
    x = Convolution(num_outputs, 1, dtype="float32")(x)
    logits = layers.UpSampling2D(interpolation="bilinear", dtype="float32", name="logits")(x)
    return keras.Model(inputs, logits, name="unet_light")


def _convolution(x: keras.KerasTensor, filters: int, strides: int = 1) -> keras.KerasTensor:
    x = Convolution(filters, 3, strides=strides, padding="same", use_bias=False)(x)
    x = FusedBatchNormalization(momentum=_MOMENTUM)(x)
    return layers.ReLU()(x)
