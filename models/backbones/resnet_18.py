"""ResNet-18, from keras-hub.

He et al., "Deep Residual Learning for Image Recognition", 2015 (arXiv:1512.03385).
"""

from models.backbones.keras_hub import Backbone

_BACKBONE = Backbone(
    name="resnet_18",
    kind="ResNetBackbone",
    preset="resnet_18_imagenet",
    config={
        "input_conv_filters": [64],
        "input_conv_kernel_sizes": [7],
        "stackwise_num_filters": [64, 128, 256, 512],
        "stackwise_num_blocks": [2, 2, 2, 2],
        "stackwise_num_strides": [1, 2, 2, 2],
        "block_type": "basic_block",
    },
    levels={4: "P2", 8: "P3", 16: "P4", 32: "P5"},
)
STRIDES = _BACKBONE.strides
check = _BACKBONE.check
features = _BACKBONE.features
