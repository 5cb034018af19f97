"""Mix Transformer B0, from keras-hub.

Xie et al., "SegFormer: Simple and Efficient Design for Semantic Segmentation with Transformers",
2021 (arXiv:2105.15203).
"""

from models.backbones.keras_hub import Backbone

SMALLEST_SIZE = 64  # keras-hub cannot tell the shape of a last feature map of one pixel

_BACKBONE = Backbone(
    name="mit_b0",
    kind="MiTBackbone",
    # keras-hub has none of ImageNet alone: this one went on to learn ADE20K's scenes.
    preset="mit_b0_ade20k_512",
    config={
        "hidden_dims": [32, 64, 160, 256],
        "num_layers": 4,
        "layerwise_depths": [2, 2, 2, 2],
        "layerwise_num_heads": [1, 2, 5, 8],
        "layerwise_sr_ratios": [8, 4, 2, 1],
        "layerwise_patch_sizes": [7, 3, 3, 3],
        "layerwise_strides": [4, 2, 2, 2],
        "max_drop_path_rate": 0.1,
    },
    levels={4: "P1", 8: "P2", 16: "P3", 32: "P4"},
)
STRIDES = _BACKBONE.strides
check = _BACKBONE.check
features = _BACKBONE.features
