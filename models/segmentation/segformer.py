"""SegFormer: an all-MLP decoder on an encoder.

Xie et al., "SegFormer: Simple and Efficient Design for Semantic Segmentation with Transformers",
2021 (arXiv:2105.15203).
"""

import keras
from keras import layers

from models.batch_norm import FusedBatchNormalization
from models.convolution import Convolution
from models.task import Encoder

ENCODER = "mit_b0"
STRIDES = (4, 8, 16, 32)

_FILTERS = 256


def build(image_size: int, num_outputs: int, encoder: Encoder, encoder_weights: str) -> keras.Model:
    """Build the network.

    Args:
        image_size: S, a multiple of the encoder's largest stride.
        num_outputs: C.
        encoder: whose feature maps at strides 4 to 32 it reads.
        encoder_weights: see the encoder.

    Returns:
        A model from float32 [N, S, S, 3] in 0..255 to logits float32 [N, S, S, C].

    Raises:
        ValueError: the weights cannot be had.
    """
    images, features = encoder.features(image_size, encoder_weights)
    projected = [
        layers.UpSampling2D(stride // STRIDES[0], interpolation="bilinear")(
            layers.Dense(_FILTERS)(features[stride])
        )
        for stride in STRIDES
    ]
    x = layers.Concatenate()(projected)
    x = Convolution(_FILTERS, 1, use_bias=False)(x)
    x = FusedBatchNormalization(momentum=0.9)(x)  # from scratch, see unet.py
    x = layers.ReLU()(x)
    x = layers.Dropout(0.1)(x)
    x = Convolution(num_outputs, 1, dtype="float32")(x)
    upsample = layers.UpSampling2D(4, interpolation="bilinear", dtype="float32", name="logits")
    return keras.Model(images, upsample(x), name="segformer")
