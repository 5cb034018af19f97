"""MobileNetV2, from keras.applications.

Sandler et al., "MobileNetV2: Inverted Residuals and Linear Bottlenecks", 2018 (arXiv:1801.04381).
"""

from keras import layers

from models.backbones.keras_applications import Backbone

_BACKBONE = Backbone(
    kind="MobileNetV2",
    levels={
        2: "block_1_expand_relu",
        4: "block_3_expand_relu",
        8: "block_6_expand_relu",
        16: "block_13_expand_relu",
        32: "block_16_project",
    },
    scale=lambda images: layers.Rescaling(1 / 127.5, offset=-1.0, name="scale")(images),
)
STRIDES = _BACKBONE.STRIDES
check = _BACKBONE.check
features = _BACKBONE.features
