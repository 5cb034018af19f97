"""U-Net with a MobileNetV2 encoder.

Ronneberger et al., "U-Net: Convolutional Networks for Biomedical Image Segmentation", 2015
(arXiv:1505.04597); Sandler et al., "MobileNetV2: Inverted Residuals and Linear Bottlenecks", 2018
(arXiv:1801.04381). The decoder uses separable convolutions and stops at stride 2, where the first
skip is; the logits are upsampled bilinearly from there.
"""

import functools

import keras
from keras import layers

from models import encoder_weights as weights

STRIDE = 32

# Encoder outputs at strides 2, 4, 8 and 16, and the bottleneck at stride 32.
_SKIPS = (
    "block_1_expand_relu",
    "block_3_expand_relu",
    "block_6_expand_relu",
    "block_13_expand_relu",
)
_BOTTLENECK = "block_16_project"
_DECODER_FILTERS = (192, 128, 64, 48)
_KIND = "a MobileNetV2 weights file (.h5)"

# keras.applications sets 0.999, which suits fine-tuning. From random weights the moving averages
# would need thousands of steps to arrive, and inference would see the wrong statistics until then.
_FROM_SCRATCH_MOMENTUM = 0.9

check = functools.partial(weights.check_path, kind=_KIND)


def build(image_size: int, num_classes: int, encoder_weights: str) -> keras.Model:
    """Builds the network.

    Args:
        image_size: S, a multiple of STRIDE.
        num_classes: C.
        encoder_weights: `imagenet` (downloaded by Keras), `none`, or a path to a weights file of
            keras.applications' MobileNetV2 without top.

    Returns:
        A model from float32 [N, S, S, 3] in 0..255 to logits float32 [N, S, S, C].

    Raises:
        ValueError: the weights cannot be had.
    """
    inputs = keras.Input((image_size, image_size, 3), name="image")
    scaled = layers.Rescaling(1 / 127.5, offset=-1.0, name="scale")(inputs)
    *skips, x = _encoder(image_size, encoder_weights)(scaled)
    for skip, filters in zip(reversed(skips), _DECODER_FILTERS, strict=True):
        x = layers.UpSampling2D(interpolation="bilinear")(x)
        x = layers.Concatenate()([x, skip])
        x = layers.SeparableConv2D(filters, 3, padding="same", use_bias=False)(x)
        x = layers.BatchNormalization(momentum=_FROM_SCRATCH_MOMENTUM)(x)
        x = layers.ReLU()(x)
    x = layers.Conv2D(num_classes, 1, dtype="float32")(x)
    logits = layers.UpSampling2D(interpolation="bilinear", dtype="float32", name="logits")(x)
    return keras.Model(inputs, logits, name="unet")


def _encoder(image_size: int, encoder_weights: str) -> keras.Model:
    """MobileNetV2 without top, its skips and bottleneck as outputs, weights as asked."""
    shape = (image_size, image_size, 3)
    if encoder_weights == weights.NONE:
        backbone = keras.applications.MobileNetV2(shape, include_top=False, weights=None)
    else:
        with weights.loading(encoder_weights, "MobileNetV2", _KIND) as found:
            backbone = keras.applications.MobileNetV2(shape, include_top=False, weights=found)
    outputs = [backbone.get_layer(name).output for name in (*_SKIPS, _BOTTLENECK)]
    encoder = keras.Model(backbone.input, outputs, name="encoder")
    if encoder_weights == weights.NONE:
        for layer in encoder.layers:
            if isinstance(layer, layers.BatchNormalization):
                layer.momentum = _FROM_SCRATCH_MOMENTUM
    return encoder
