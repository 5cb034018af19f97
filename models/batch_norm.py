"""Batch normalisation as one operation of TensorFlow's."""

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable("models")
class FusedBatchNormalization(keras.layers.BatchNormalization):
    """Keras' layer, computed in one pass while it trains.

    Keras composes the layer of a dozen element-wise operations, each of which goes over the whole
    feature map; on a processor they take a third of a training step. Inference is Keras' own: there
    the layer is one multiplication and one addition. Statistics over several replicas
    (`synchronized`) are Keras' own, too. The moving variance is the unbiased estimate.
    """

    def __init__(self, **arguments) -> None:
        # Scale and statistics stay float32 beside bfloat16 feature maps.
        super().__init__(**{**arguments, "autocast": False})

    def call(self, inputs, training=None, mask=None):  # noqa: D102 - Keras' signature
        if self.synchronized or not (training and self.trainable):
            return super().call(inputs, training=training, mask=mask)
        outputs, mean, variance = tf.compat.v1.nn.fused_batch_norm(
            inputs,
            self.gamma.value if self.scale else tf.ones_like(self.moving_mean.value),
            self.beta.value if self.center else tf.zeros_like(self.moving_mean.value),
            self.moving_mean.value,
            self.moving_variance.value,
            epsilon=self.epsilon,
            is_training=True,
            exponential_avg_factor=1 - self.momentum,
        )
        self.moving_mean.assign(mean)
        self.moving_variance.assign(variance)
        return outputs
