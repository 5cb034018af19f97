"""DeepLabV3+: atrous spatial pyramid pooling on an encoder, and a light decoder.

Chen et al., "Encoder-Decoder with Atrous Separable Convolution for Semantic Image Segmentation",
2018 (arXiv:1802.02611). As in keras-hub's own, the encoder goes on to stride 32.
"""

import keras
from keras import layers

from models.batch_norm import FusedBatchNormalization
from models.convolution import Convolution, SeparableConvolution
from models.task import Encoder

ENCODER = "resnet_18"
STRIDES = (4, 32)

_DILATION_RATES = (6, 12, 18)
_FILTERS = 256
_LOW_LEVEL_FILTERS = 48


def build(image_size: int, num_outputs: int, encoder: Encoder, encoder_weights: str) -> keras.Model:
    """Build the network.

    Args:
        image_size: S, a multiple of the encoder's largest stride.
        num_outputs: C.
        encoder: whose feature maps at strides 4 and 32 it reads.
        encoder_weights: see the encoder.

    Returns:
        A model from float32 [N, S, S, 3] in 0..255 to logits float32 [N, S, S, C].

    Raises:
        ValueError: the weights cannot be had.
    """
    images, features = encoder.features(image_size, encoder_weights)
    x = _pyramid_pooling(features[32], image_size // 32)
    x = layers.UpSampling2D(8, interpolation="bilinear")(x)  # to stride 4
    low_level = _normalised(Convolution(_LOW_LEVEL_FILTERS, 1, use_bias=False)(features[4]))
    x = layers.Concatenate()([x, low_level])
    for _ in range(2):
        x = _normalised(SeparableConvolution(_FILTERS, 3, padding="same", use_bias=False)(x))
    x = Convolution(num_outputs, 1, dtype="float32")(x)
    upsample = layers.UpSampling2D(4, interpolation="bilinear", dtype="float32", name="logits")
    return keras.Model(images, upsample(x), name="deeplabv3plus")


def _pyramid_pooling(x: keras.KerasTensor, side: int) -> keras.KerasTensor:
    """Look at feature maps [N, side, side, channels] at several scales at once."""
    near = _normalised(Convolution(_FILTERS, 1, use_bias=False)(x))
    wider = [
        _normalised(
            SeparableConvolution(_FILTERS, 3, padding="same", dilation_rate=rate, use_bias=False)(x)
        )
        for rate in _DILATION_RATES
    ]
    whole = layers.GlobalAveragePooling2D(keepdims=True)(x)
    whole = _normalised(Convolution(_FILTERS, 1, use_bias=False)(whole))
    whole = layers.UpSampling2D(side)(whole)
    return _normalised(
        Convolution(_FILTERS, 1, use_bias=False)(layers.Concatenate()([near, *wider, whole]))
    )


def _normalised(x: keras.KerasTensor) -> keras.KerasTensor:
    """BatchNorm, with the momentum that training from scratch needs (see unet.py), and ReLU."""
    return layers.ReLU()(FusedBatchNormalization(momentum=0.9)(x))
