"""DeepLabV3+: a ResNet-18 encoder, from keras-hub, atrous spatial pyramid pooling, light decoder.

Chen et al., "Encoder-Decoder with Atrous Separable Convolution for Semantic Image Segmentation",
2018 (arXiv:1802.02611); He et al., "Deep Residual Learning for Image Recognition", 2015
(arXiv:1512.03385). As in keras-hub's own, the encoder goes on to stride 32.
"""

import functools

import keras
from keras import layers

from models import keras_hub_encoder

STRIDE = 32

_PRESET = "resnet_18_imagenet"
_RESNET_18 = {
    "input_conv_filters": [64],
    "input_conv_kernel_sizes": [7],
    "stackwise_num_filters": [64, 128, 256, 512],
    "stackwise_num_blocks": [2, 2, 2, 2],
    "stackwise_num_strides": [1, 2, 2, 2],
    "block_type": "basic_block",
}

_DILATION_RATES = (6, 12, 18)
_FILTERS = 256
_LOW_LEVEL_FILTERS = 48

check = functools.partial(keras_hub_encoder.check, "deeplabv3plus")


def build(image_size: int, num_classes: int, encoder_weights: str) -> keras.Model:
    """Builds the network.

    Args:
        image_size: S, a multiple of STRIDE.
        num_classes: C.
        encoder_weights: `imagenet` (downloaded by keras-hub), `none`, or the path of a preset
            folder of a keras-hub `ResNetBackbone` of any size, or of a weights file of its 18.

    Returns:
        A model from float32 [N, S, S, 3] in 0..255 to logits float32 [N, S, S, C].

    Raises:
        ValueError: the weights cannot be had.
    """
    images, features = keras_hub_encoder.features(
        "ResNetBackbone", _PRESET, _RESNET_18, image_size, encoder_weights
    )
    x = _pyramid_pooling(features["P5"], image_size // STRIDE)
    x = layers.UpSampling2D(8, interpolation="bilinear")(x)  # to stride 4
    low_level = _normalised(layers.Conv2D(_LOW_LEVEL_FILTERS, 1, use_bias=False)(features["P2"]))
    x = layers.Concatenate()([x, low_level])
    for _ in range(2):
        x = _normalised(layers.SeparableConv2D(_FILTERS, 3, padding="same", use_bias=False)(x))
    x = layers.Conv2D(num_classes, 1, dtype="float32")(x)
    upsample = layers.UpSampling2D(4, interpolation="bilinear", dtype="float32", name="logits")
    return keras.Model(images, upsample(x), name="deeplabv3plus")


def _pyramid_pooling(x: keras.KerasTensor, side: int) -> keras.KerasTensor:
    """Looks at feature maps [N, side, side, channels] at several scales at once."""
    near = _normalised(layers.Conv2D(_FILTERS, 1, use_bias=False)(x))
    wider = [
        _normalised(
            layers.SeparableConv2D(_FILTERS, 3, padding="same", dilation_rate=rate, use_bias=False)(
                x
            )
        )
        for rate in _DILATION_RATES
    ]
    whole = layers.GlobalAveragePooling2D(keepdims=True)(x)
    whole = _normalised(layers.Conv2D(_FILTERS, 1, use_bias=False)(whole))
    whole = layers.UpSampling2D(side)(whole)
    return _normalised(
        layers.Conv2D(_FILTERS, 1, use_bias=False)(layers.Concatenate()([near, *wider, whole]))
    )


def _normalised(x: keras.KerasTensor) -> keras.KerasTensor:
    """BatchNorm, with the momentum that training from scratch needs (models/unet.py), and ReLU."""
    return layers.ReLU()(layers.BatchNormalization(momentum=0.9)(x))
