"""ResNet-50, from keras.applications.

He et al., "Deep Residual Learning for Image Recognition", 2015 (arXiv:1512.03385).
"""

import keras
from keras import layers

from models.backbones.keras_applications import Backbone

# Of ImageNet's training images, BGR in 0..255: the published weights expect what is left of pixels
# without them.
_MEAN = (103.939, 116.779, 123.68)


def _scale(images: keras.KerasTensor) -> keras.KerasTensor:
    normalization = layers.Normalization(mean=_MEAN, variance=(1.0,) * 3, name="scale")
    return normalization(images[..., ::-1])


_BACKBONE = Backbone(
    kind="ResNet50",
    levels={
        2: "conv1_relu",
        4: "conv2_block3_out",
        8: "conv3_block4_out",
        16: "conv4_block6_out",
        32: "conv5_block3_out",
    },
    scale=_scale,
)
STRIDES = _BACKBONE.STRIDES
check = _BACKBONE.check
features = _BACKBONE.features
