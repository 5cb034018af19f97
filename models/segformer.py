"""SegFormer-B0: a Mix Transformer encoder, from keras-hub, and an all-MLP decoder.

Xie et al., "SegFormer: Simple and Efficient Design for Semantic Segmentation with Transformers",
2021 (arXiv:2105.15203).
"""

import functools

import keras
from keras import layers

from models import keras_hub_encoder

STRIDE = 32
SMALLEST_SIZE = 64  # keras-hub cannot tell the shape of a last feature map of one pixel

# keras-hub has no Mix Transformer of ImageNet alone: this one went on to learn ADE20K's scenes.
_PRESET = "mit_b0_ade20k_512"
_MIT_B0 = {
    "hidden_dims": [32, 64, 160, 256],
    "num_layers": 4,
    "layerwise_depths": [2, 2, 2, 2],
    "layerwise_num_heads": [1, 2, 5, 8],
    "layerwise_sr_ratios": [8, 4, 2, 1],
    "layerwise_patch_sizes": [7, 3, 3, 3],
    "layerwise_strides": [4, 2, 2, 2],
    "max_drop_path_rate": 0.1,
}

# Feature maps, and what brings each to stride 4.
_LEVELS = {"P1": 1, "P2": 2, "P3": 4, "P4": 8}
_FILTERS = 256

check = functools.partial(keras_hub_encoder.check, "segformer")


def build(image_size: int, num_classes: int, encoder_weights: str) -> keras.Model:
    """Builds the network.

    Args:
        image_size: S, a multiple of STRIDE, at least SMALLEST_SIZE.
        num_classes: C.
        encoder_weights: `imagenet` (downloaded by keras-hub), `none`, or the path of a preset
            folder of a keras-hub `MiTBackbone` of any size, or of a weights file of its B0.

    Returns:
        A model from float32 [N, S, S, 3] in 0..255 to logits float32 [N, S, S, C].

    Raises:
        ValueError: the weights cannot be had.
    """
    images, features = keras_hub_encoder.features(
        "MiTBackbone", _PRESET, _MIT_B0, image_size, encoder_weights
    )
    projected = [
        layers.UpSampling2D(factor, interpolation="bilinear")(
            layers.Dense(_FILTERS)(features[level])
        )
        for level, factor in _LEVELS.items()
    ]
    x = layers.Concatenate()(projected)
    x = layers.Conv2D(_FILTERS, 1, use_bias=False)(x)
    x = layers.BatchNormalization(momentum=0.9)(x)  # from scratch, see models/unet.py
    x = layers.ReLU()(x)
    x = layers.Dropout(0.1)(x)
    x = layers.Conv2D(num_classes, 1, dtype="float32")(x)
    upsample = layers.UpSampling2D(4, interpolation="bilinear", dtype="float32", name="logits")
    return keras.Model(images, upsample(x), name="segformer")
