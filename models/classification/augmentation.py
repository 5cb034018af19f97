"""Augmentation of training batches, inside tf.data.

Every operation is a pure function of its seed: the same seed gives the same pixels, in whatever
order tf.data's threads take the batches. One magnitude scales all ranges, as in Cubuk et al.,
"RandAugment", 2019 (arXiv:1909.13719): 0 leaves only the mirroring. At magnitude 1 an image of
32 pixels moves by up to 4, as in He et al., 2015 (arXiv:1512.03385), section 4.2.
"""

import tensorflow as tf

# Ranges at magnitude 1: shares of the side, of the contrast, and steps of 255.
_TRANSLATION = 1 / 8
_ZOOM = 0.05
_CONTRAST = 0.1
_BRIGHTNESS = 8.0
_SATURATION = 0.1


def augment(
    images: tf.Tensor, labels: tf.Tensor, seed: tf.Tensor, magnitude: float
) -> tuple[tf.Tensor, tf.Tensor]:
    """Mirror, move and crop images, and change their light.

    Args:
        images: float32 [B, S, S, 3] in 0..255.
        labels: class ids [B], which stay as they are.
        seed: integer [2].
        magnitude: 0 or more; scales every range.

    Returns:
        Images of the same shape and range, and the labels.
    """
    seed = tf.cast(seed, tf.int32)
    images = mirror(images, seed)
    if magnitude:
        images = translate_and_crop(images, seed + 1, magnitude)
        images = photometric(images, seed + 2, magnitude)
    return images, labels


def mirror(images: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Mirror about half of the images left to right."""
    mirrored = tf.random.stateless_uniform([tf.shape(images)[0]], seed) < 0.5
    return tf.where(mirrored[:, None, None, None], tf.reverse(images, [2]), images)


def translate_and_crop(images: tf.Tensor, seed: tf.Tensor, magnitude: float) -> tf.Tensor:
    """Move each image by whole pixels; half of them are enlarged as well, and cropped.

    What comes in at the rim is mirrored.
    """
    batch, side = tf.shape(images)[0], images.shape[1]
    draws = tf.random.stateless_uniform([4, batch], seed)
    reach = magnitude * _TRANSLATION * side
    shift_x, shift_y = (tf.round((2 * draw - 1) * (reach + 0.499)) for draw in (draws[0], draws[1]))
    zoom = 1 - magnitude * _ZOOM * draws[2] * tf.cast(draws[3] < 0.5, tf.float32)
    corner = (1 - zoom) * (side - 1) / 2
    zero = tf.zeros_like(zoom)
    transforms = [zoom, zero, corner + shift_x, zero, zoom, corner + shift_y, zero, zero]
    return tf.raw_ops.ImageProjectiveTransformV3(
        images=images,
        transforms=tf.stack(transforms, axis=1),
        output_shape=[side, side],
        interpolation="BILINEAR",
        fill_mode="REFLECT",
        fill_value=0.0,
    )


def photometric(images: tf.Tensor, seed: tf.Tensor, magnitude: float) -> tf.Tensor:
    """Change contrast, brightness and saturation of each image."""
    draws = tf.random.stateless_uniform([3, tf.shape(images)[0], 1, 1, 1], seed, -1, 1)
    contrast, brightness, saturation = tf.unstack(magnitude * draws)
    mean = tf.reduce_mean(images, axis=[1, 2, 3], keepdims=True)
    images = mean + (images - mean) * (1 + _CONTRAST * contrast) + _BRIGHTNESS * brightness
    grey = tf.reduce_mean(images, axis=-1, keepdims=True)
    images = grey + (images - grey) * (1 + _SATURATION * saturation)
    return tf.clip_by_value(images, 0.0, 255.0)
