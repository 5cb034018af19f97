"""Augmentation of training batches, inside tf.data, image and mask together.

Every operation is a pure function of its seed: the same seed gives the same pixels, in whatever
order tf.data's threads take the batches. One magnitude scales all ranges, as in Cubuk et al.,
"RandAugment", 2019 (arXiv:1909.13719): 0 leaves only the mirroring.
"""

import math

import tensorflow as tf

# Ranges at magnitude 1. A zoom under 1 shows the image's mirrored surroundings at the rim.
_ZOOM = (0.8, 1.6)
_STRETCH = 1.15
_ROTATION_DEGREES = 15.0
_CONTRAST = 0.3
_BRIGHTNESS = 30.0
_SATURATION = 0.4
_TINT = 12.0


def augment(
    images: tf.Tensor, masks: tf.Tensor, seed: tf.Tensor, magnitude: float
) -> tuple[tf.Tensor, tf.Tensor]:
    """Mirror, scale, crop and turn image and mask alike, then change the image's light.

    Args:
        images: float32 [B, S, S, 3] in 0..255.
        masks: uint8 [B, S, S], class ids.
        seed: integer [2].
        magnitude: 0 or more; scales every range.

    Returns:
        Images and masks of the same shapes, dtypes and ranges.
    """
    seed = tf.cast(seed, tf.int32)
    images, masks = mirror(images, masks, seed)
    if not magnitude:
        return images, masks
    images, masks = scale_and_crop(images, masks, seed + 1, magnitude)
    return photometric(images, seed + 2, magnitude), masks


def mirror(images: tf.Tensor, masks: tf.Tensor, seed: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Mirror about half of the pairs left to right. Arguments and results as in `augment`."""
    mirrored = tf.random.stateless_uniform([tf.shape(images)[0]], seed) < 0.5
    return (
        tf.where(mirrored[:, None, None, None], tf.reverse(images, [2]), images),
        tf.where(mirrored[:, None, None], tf.reverse(masks, [2]), masks),
    )


def scale_and_crop(
    images: tf.Tensor, masks: tf.Tensor, seed: tf.Tensor, magnitude: float
) -> tuple[tf.Tensor, tf.Tensor]:
    """Zooms, stretches, turns and shifts each pair by one affine map, so that pixels stay aligned.

    The image is interpolated bilinearly, the mask takes its nearest pixel, and what lies outside is
    mirrored in: a mask never holds anything but ids that it held before.
    Arguments and results as in `augment`.
    """
    batch, side = tf.shape(images)[0], images.shape[1]
    draws = tf.random.stateless_uniform([5, batch], seed)
    low, high = (magnitude * math.log(limit) for limit in _ZOOM)
    zoom = tf.exp(low + draws[0] * (high - low))
    stretch = tf.exp(_centred(draws[1]) * magnitude * math.log(_STRETCH))
    angle = _centred(draws[2]) * magnitude * math.radians(_ROTATION_DEGREES)
    room = tf.abs(1 - 1 / zoom) * side / 2
    shift = (_centred(draws[3]) * room, _centred(draws[4]) * room)
    transforms = _inverse_affine((zoom * stretch, zoom / stretch), angle, shift, side)

    def warp(pixels: tf.Tensor, interpolation: str) -> tf.Tensor:
        return tf.raw_ops.ImageProjectiveTransformV3(
            images=pixels,
            transforms=transforms,
            output_shape=[side, side],
            interpolation=interpolation,
            fill_mode="REFLECT",
            fill_value=0.0,
        )

    return warp(images, "BILINEAR"), warp(masks[..., tf.newaxis], "NEAREST")[..., 0]


def photometric(images: tf.Tensor, seed: tf.Tensor, magnitude: float) -> tf.Tensor:
    """Change contrast, brightness, saturation and tint of each image.

    Arguments and result as in `augment`.
    """
    batch = tf.shape(images)[0]
    contrast, brightness, saturation = tf.unstack(
        magnitude * _centred(tf.random.stateless_uniform([3, batch, 1, 1, 1], seed))
    )
    tint = magnitude * _centred(tf.random.stateless_uniform([batch, 1, 1, 3], seed + 1))
    mean = tf.reduce_mean(images, axis=[1, 2, 3], keepdims=True)
    images = mean + (images - mean) * tf.exp(_CONTRAST * contrast) + _BRIGHTNESS * brightness
    grey = tf.image.rgb_to_grayscale(images)
    images = grey + (images - grey) * tf.exp(_SATURATION * saturation) + _TINT * tint
    return tf.clip_by_value(images, 0.0, 255.0)


def _centred(draws: tf.Tensor) -> tf.Tensor:
    """Draw from 0..1 as draws from -1..1."""
    return 2 * draws - 1


def _inverse_affine(
    zoom: tuple[tf.Tensor, tf.Tensor],
    angle: tf.Tensor,
    shift: tuple[tf.Tensor, tf.Tensor],
    side: int,
) -> tf.Tensor:
    """Map result pixels to source pixels about the centre, as ImageProjectiveTransformV3 wants.

    Args:
        zoom: along x and y, float32 [B] each.
        angle: float32 [B], radians.
        shift: along x and y, float32 [B] each, pixels.
        side: S.

    Returns:
        float32 [B, 8].
    """
    centre = (side - 1) / 2
    cosine, sine = tf.cos(angle), tf.sin(angle)
    xx, xy = cosine / zoom[0], -sine / zoom[1]
    yx, yy = sine / zoom[0], cosine / zoom[1]
    offset_x = centre + shift[0] - centre * (xx + xy)
    offset_y = centre + shift[1] - centre * (yx + yy)
    zero = tf.zeros_like(angle)
    return tf.stack([xx, xy, offset_x, yx, yy, offset_y, zero, zero], axis=1)
