"""An encoder with a linear head."""

import keras
from keras import layers

from models.task import Encoder

ENCODER = "mobilenet_v2"
STRIDES = (32,)
_DROPOUT = 0.2


def build(image_size: int, num_outputs: int, encoder: Encoder, encoder_weights: str) -> keras.Model:
    """Build the network.

    Args:
        image_size: S, a multiple of the encoder's last stride.
        num_outputs: C.
        encoder: what makes the features.
        encoder_weights: as for the encoder.

    Returns:
        A model from float32 [N, S, S, 3] in 0..255 to logits float32 [N, C].
    """
    inputs, features = encoder.features(image_size, encoder_weights)
    x = layers.GlobalAveragePooling2D()(features[STRIDES[-1]])
    x = layers.Dropout(_DROPOUT)(x)
    logits = layers.Dense(num_outputs, dtype="float32", name="logits")(x)
    return keras.Model(inputs, logits, name="classifier")
