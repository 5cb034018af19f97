"""Convolutions whose gradients are computed by the faster of TensorFlow's operations.

On a processor, `Conv2DBackpropInput` takes up to seven times as long as a convolution of as many
multiplications. The gradient with respect to the images is one, with the kernel turned by half a
turn (Dumoulin and Visin, "A guide to convolution arithmetic for deep learning", 2016,
arXiv:1603.07285, section 4). That with respect to a kernel of one pixel is a product of matrices.
"""

import keras
import tensorflow as tf
from keras import ops


@keras.saving.register_keras_serializable("models")
class Convolution(keras.layers.Conv2D):
    """Keras' layer, the same numbers. Only the gradients of what keeps the size are faster."""

    def call(self, inputs, training=None):  # noqa: D102 - Keras' signature
        if not training or not _keeps_size(self) or self.groups > 1:
            return super().call(inputs)
        outputs = _convolve(inputs, tf.convert_to_tensor(self.kernel))
        return self.activation(outputs + self.bias if self.use_bias else outputs)


@keras.saving.register_keras_serializable("models")
class SeparableConvolution(keras.layers.SeparableConv2D):
    """Likewise."""

    def call(self, inputs, training=None):  # noqa: D102 - Keras' signature
        if not training or not _keeps_size(self):
            return super().call(inputs)
        deep = ops.depthwise_conv(inputs, self.depthwise_kernel, padding="same")
        outputs = _convolve(deep, tf.convert_to_tensor(self.pointwise_kernel))
        return self.activation(outputs + self.bias if self.use_bias else outputs)


def _keeps_size(layer: keras.layers.Layer) -> bool:
    """Tell whether a layer's gradient is a convolution of its kind, which GPUs have no need of."""
    return (
        {*layer.strides, *layer.dilation_rate} == {1}
        and all(side % 2 for side in layer.kernel_size)
        and (layer.padding == "same" or {*layer.kernel_size} == {1})
        and not tf.config.list_physical_devices("GPU")
    )


@tf.custom_gradient
def _convolve(images, kernel):
    """[N, H, W, C] and [K, K, C, D], K being odd, to [N, H, W, D]."""

    def of_pixels(upstream):
        values, above = (tf.reshape(x, [-1, x.shape[-1]]) for x in (images, upstream))
        of_images = tf.matmul(above, kernel[0, 0], transpose_b=True)
        of_kernel = tf.matmul(values, above, transpose_a=True)
        return tf.reshape(of_images, tf.shape(images)), of_kernel[tf.newaxis, tf.newaxis]

    def of_neighbourhoods(upstream):
        turned = tf.transpose(kernel[::-1, ::-1], [0, 1, 3, 2])
        return tf.nn.conv2d(upstream, turned, 1, "SAME"), tf.raw_ops.Conv2DBackpropFilter(
            input=images,
            filter_sizes=kernel.shape,
            out_backprop=upstream,
            strides=[1, 1, 1, 1],
            padding="SAME",
        )

    outputs = tf.nn.conv2d(images, kernel, 1, "SAME")
    return outputs, of_pixels if kernel.shape[:2] == (1, 1) else of_neighbourhoods
