"""U-Net on an encoder.

Ronneberger et al., "U-Net: Convolutional Networks for Biomedical Image Segmentation", 2015
(arXiv:1505.04597). The decoder uses separable convolutions and stops where the first skip is; the
logits are upsampled bilinearly from there.
"""

import keras
from keras import layers

from models.batch_norm import FusedBatchNormalization
from models.convolution import Convolution, SeparableConvolution
from models.task import Encoder

ENCODER = "mobilenet_v2"
STRIDES = (4, 32)  # the least that the encoder must have; a skip joins at each of its strides

_DECODER_FILTERS = {16: 192, 8: 128, 4: 64, 2: 48}
_MOMENTUM = 0.9  # moving averages that arrive within a short training from random weights


def build(image_size: int, num_outputs: int, encoder: Encoder, encoder_weights: str) -> keras.Model:
    """Build the network.

    Args:
        image_size: S, a multiple of the encoder's largest stride.
        num_outputs: C.
        encoder: whose feature maps it joins.
        encoder_weights: see the encoder.

    Returns:
        A model from float32 [N, S, S, 3] in 0..255 to logits float32 [N, S, S, C].

    Raises:
        ValueError: the weights cannot be had.
    """
    inputs, features = encoder.features(image_size, encoder_weights)
    *skips, bottleneck = sorted(features)
    x = features[bottleneck]
    for stride in reversed(skips):
        x = layers.UpSampling2D(interpolation="bilinear")(x)
        x = layers.Concatenate()([x, features[stride]])
        filters = _DECODER_FILTERS[stride]
        x = SeparableConvolution(filters, 3, padding="same", use_bias=False)(x)
        x = FusedBatchNormalization(momentum=_MOMENTUM)(x)
        x = layers.ReLU()(x)
    x = Convolution(num_outputs, 1, dtype="float32")(x)
    upsample = layers.UpSampling2D(
        skips[0], interpolation="bilinear", dtype="float32", name="logits"
    )
    return keras.Model(inputs, upsample(x), name="unet")
