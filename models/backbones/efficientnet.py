"""EfficientNet-B0 to B2, from keras.applications.

Tan and Le, "EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks", 2019
(arXiv:1905.11946).
"""

from models.backbones.keras_applications import Backbone

_LEVELS = {
    2: "block2a_expand_activation",
    4: "block3a_expand_activation",
    8: "block4a_expand_activation",
    16: "block6a_expand_activation",
    32: "top_activation",
}
B0, B1, B2 = (
    Backbone(kind, _LEVELS) for kind in ("EfficientNetB0", "EfficientNetB1", "EfficientNetB2")
)
