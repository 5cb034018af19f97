"""Image files as people send them, in the served graph: bounded, upright and on white.

What comes back is again a file, so that Transform's graph stays the only one that resizes for the
network. Records need none of this: their images are upright and opaque already.
"""

import functools
from collections.abc import Callable

import tensorflow as tf

from models import preprocessing
from models.batches import prepare_files

# Of a side, as JPEG itself has it: to resize a line of millions of pixels takes gigabytes.
MAX_SIDE = 65_535

_JPEG = b"\xff\xd8\xff"
_PNG = b"\x89PNG\r\n\x1a\n"
_PNG_HEADER = 33  # bytes, to the end of the chunk IHDR
_MAX_SEGMENTS = 1000

_FILLER, _END_OF_IMAGE, _START_OF_SCAN, _APP1 = 0xFF, 0xD9, 0xDA, 0xE1
_ORIENTATION, _ENTRY = 0x0112, 12  # tag of a TIFF directory, and bytes of its entry
_LITTLE_ENDIAN = int.from_bytes(b"II")
_EXIF = int.from_bytes(b"Exif\0\0")
_IDAT, _PNG_EXIF, _TRANSPARENCY = (int.from_bytes(name) for name in (b"IDAT", b"eXIf", b"tRNS"))
_GREY_ALPHA, _RGB_ALPHA = 4, 6  # colour types of PNG


def prepare(
    image_bytes: tf.Tensor,
    transform: Callable[[dict[str, tf.Tensor]], dict[str, tf.Tensor]],
    image_size: int,
    max_megapixels: float,
) -> tuple[tf.Tensor, tf.Tensor]:
    """Make of image files what the network takes.

    One after the other, each up to its small image: the largest take half a gigabyte until then.

    Args:
        image_bytes: string [N], JPEG or PNG.
        transform: calls Transform's graph.
        image_size: S, the side of the network's input in pixels.
        max_megapixels: the largest image that is decoded, in millions of pixels.

    Returns:
        Upright images, float32 [N, S, S, 3], and their own heights and widths, int64 [N, 2].

    Raises:
        tf.errors.InvalidArgumentError: a file is no JPEG or PNG, too large or broken; the message
            says which one of several.
    """
    specs = (
        tf.TensorSpec([image_size, image_size, 3], tf.float32),
        tf.TensorSpec([2], tf.int64),
        tf.TensorSpec([], tf.int64),
    )

    def prepare_one(one: tf.Tensor) -> tuple[tf.Tensor, tuple[tf.Tensor, ...]]:
        def read() -> tuple[tf.Tensor, ...]:
            opened, orientation = open_upload(one)
            features = transform({preprocessing.IMAGE: opened[tf.newaxis]})
            return features[preprocessing.IMAGE][0], features[preprocessing.SIZE][0], orientation

        fault = find_fault(one, max_megapixels)
        nothing = tuple(tf.zeros(spec.shape, spec.dtype) for spec in specs)
        return fault, tf.cond(fault == "", read, lambda: nothing)

    return turn(*prepare_files(prepare_one, image_bytes, specs))


def find_fault(image_bytes: tf.Tensor, max_megapixels: float) -> tf.Tensor:
    """Say by its header why a file is not decoded.

    Args:
        image_bytes: scalar string.
        max_megapixels: the largest image that is decoded, in millions of pixels.

    Returns:
        Scalar string: a sentence, or nothing.

    Raises:
        tf.errors.InvalidArgumentError: a JPEG's header is broken.
    """
    is_jpeg = tf.strings.substr(image_bytes, 0, len(_JPEG)) == _JPEG
    return tf.cond(
        is_jpeg | _is_png(image_bytes),
        lambda: _judge_size(_read_size(image_bytes), max_megapixels),
        lambda: "The file is not an image that can be read: send a JPEG or PNG file.",
    )


def open_upload(image_bytes: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Look at an image file, and lay it on white where it is transparent.

    Args:
        image_bytes: scalar string, JPEG or PNG, of which `find_fault` says nothing.

    Returns:
        Scalar string, an opaque JPEG or PNG: the file itself, or the same image on white. And how
        its pixels are stored, int64: EXIF's orientation, 1..8, for `turn`.

    Raises:
        tf.errors.InvalidArgumentError: a transparent image is broken.
    """
    # All of it: what is said before the pixels may follow a profile of any length.
    file = tf.io.decode_raw(image_bytes, tf.uint8)
    return tf.cond(
        _is_png(image_bytes),
        lambda: _open_png(image_bytes, file),
        lambda: (image_bytes, _orientation(file, _find_exif_in_jpeg(file))),
    )


def turn(
    images: tf.Tensor, sizes: tf.Tensor, orientations: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    """Turn images upright; small ones, for that takes less than to turn what they were made of.

    Args:
        images: [N, S, S, 3], stored as the orientations say.
        sizes: int64 [N, 2], height and width as stored.
        orientations: int64 [N], EXIF's, 1..8.

    Returns:
        Upright images, [N, S, S, 3], and sizes.
    """

    def turn_all() -> tuple[tf.Tensor, tf.Tensor]:
        swapped = tf.where(orientations[:, tf.newaxis] >= 5, tf.reverse(sizes, [1]), sizes)
        turned = tf.map_fn(
            lambda one: _turn(*one), (images, orientations), fn_output_signature=images.dtype
        )
        return tf.ensure_shape(turned, images.shape), swapped

    return tf.cond(tf.reduce_any(orientations > 1), turn_all, lambda: (images, sizes))


def _is_png(image_bytes: tf.Tensor) -> tf.Tensor:
    long_enough = tf.strings.length(image_bytes) >= _PNG_HEADER
    return (tf.strings.substr(image_bytes, 0, len(_PNG)) == _PNG) & long_enough


def _read_size(image_bytes: tf.Tensor) -> tf.Tensor:
    """Height and width by the header of a JPEG or PNG, int64 [2]."""

    def read_png() -> tf.Tensor:
        header = tf.io.decode_raw(tf.strings.substr(image_bytes, 0, _PNG_HEADER), tf.uint8)
        return tf.stack([_number(header, 20, 4), _number(header, 16, 4)])

    return tf.cond(
        _is_png(image_bytes),
        read_png,
        lambda: tf.io.extract_jpeg_shape(image_bytes, tf.int64)[:2],
    )


def _judge_size(size: tf.Tensor, max_megapixels: float) -> tf.Tensor:
    fits = (tf.reduce_max(size) <= MAX_SIDE) & (
        tf.cast(tf.reduce_prod(size), tf.float64) <= max_megapixels * 1e6
    )
    too_large = (
        f"The image ({{}} x {{}}) is larger than {max_megapixels:g} megapixels, or than {MAX_SIDE} "
        "pixels to a side: make it smaller and retry."
    )
    return tf.cond(fits, lambda: "", lambda: tf.strings.format(too_large, (size[1], size[0])))


def _open_png(image_bytes: tf.Tensor, file: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    exif, has_transparent_colour = _walk_png(file)
    colour_type = _number(file, 25, 1)
    has_alpha = (colour_type == _GREY_ALPHA) | (colour_type == _RGB_ALPHA)

    def make_opaque() -> tf.Tensor:
        rgba = tf.io.decode_png(image_bytes, channels=4)
        return tf.cond(
            tf.reduce_min(rgba[..., 3]) == 255,
            lambda: image_bytes,
            # It is decoded at once: to compress it would only take time.
            lambda: tf.io.encode_png(_lay_on_white(rgba), compression=0),
        )

    opaque = tf.cond(has_alpha | has_transparent_colour, make_opaque, lambda: image_bytes)
    return opaque, _orientation(file, exif)


def _lay_on_white(rgba: tf.Tensor) -> tf.Tensor:
    """Uint8 [height, width, 4] to uint8 [height, width, 3]."""
    colour, alpha = tf.cast(rgba[..., :3], tf.uint16), tf.cast(rgba[..., 3:], tf.uint16)
    # At most 255 * 255 + 127, which 16 bits hold.
    mixed = colour * alpha + (255 - alpha) * 255
    return tf.cast((mixed + 127) // 255, tf.uint8)


def _turn(image: tf.Tensor, orientation: tf.Tensor) -> tf.Tensor:
    """Turn an image, [S, S, 3], upright that is stored as EXIF's orientation says."""
    for orientations, change in (
        ((5, 6, 7, 8), tf.image.transpose),
        ((2, 3, 6, 7), tf.image.flip_left_right),
        ((3, 4, 7, 8), tf.image.flip_up_down),
    ):
        is_one = tf.reduce_any(orientation == tf.constant(orientations, tf.int64))
        image = tf.cond(
            is_one, functools.partial(change, image), functools.partial(tf.identity, image)
        )
    return image


def _find_exif_in_jpeg(file: tf.Tensor) -> tf.Tensor:
    """Where the first Exif segment's TIFF header begins, int64; -1 where there is none."""

    def goes_on(position: tf.Tensor, exif: tf.Tensor) -> tf.Tensor:
        marker = _number(file, position + 1, 1)
        is_marker = (_number(file, position, 1) == _FILLER) & (position < tf.size(file, tf.int64))
        is_last = (marker == _START_OF_SCAN) | (marker == _END_OF_IMAGE)
        return is_marker & ~is_last & (exif < 0)

    def look(position: tf.Tensor, exif: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        marker, length = _number(file, position + 1, 1), _number(file, position + 2, 2)
        is_exif = (marker == _APP1) & (_number(file, position + 4, 6) == _EXIF)
        step = tf.where(marker == _FILLER, tf.constant(1, tf.int64), 2 + length)
        return position + step, tf.where(is_exif, position + 10, exif)

    none = tf.constant(-1, tf.int64)
    start = tf.constant(2, tf.int64)
    return tf.while_loop(goes_on, look, (start, none), maximum_iterations=_MAX_SEGMENTS)[1]


def _walk_png(file: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Return what stands before a PNG's pixels.

    Returns:
        Where the TIFF header of the chunk eXIf begins, int64, -1 where there is none; and whether
        there is a chunk tRNS, bool: a colour, or entries of the palette, that are transparent.
    """

    def goes_on(position: tf.Tensor, exif: tf.Tensor, transparent: tf.Tensor) -> tf.Tensor:
        kind = _number(file, position + 4, 4)
        return (kind != _IDAT) & (position < tf.size(file, tf.int64))

    def look(
        position: tf.Tensor, exif: tf.Tensor, transparent: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        length, kind = _number(file, position, 4), _number(file, position + 4, 4)
        exif = tf.where(kind == _PNG_EXIF, position + 8, exif)
        return position + 12 + length, exif, transparent | (kind == _TRANSPARENCY)

    start = tf.constant(len(_PNG), tf.int64), tf.constant(-1, tf.int64), tf.constant(False)
    return tf.while_loop(goes_on, look, start, maximum_iterations=_MAX_SEGMENTS)[1:]


def _orientation(file: tf.Tensor, exif: tf.Tensor) -> tf.Tensor:
    """EXIF's orientation, int64 in 1..8, of the TIFF header at `exif`; 1 where there is none."""

    def read() -> tf.Tensor:
        little = _number(file, exif, 2) == _LITTLE_ENDIAN

        def number(position: tf.Tensor, length: int) -> tf.Tensor:
            return _number(file, position, length, little)

        directory = exif + number(exif + 4, 4)
        entries = directory + 2 + _ENTRY * tf.range(number(directory, 2))
        is_orientation = number(entries, 2) == _ORIENTATION
        found = tf.reduce_max(tf.where(is_orientation, number(entries + 8, 2), 1))
        return tf.where(found <= 8, found, 1)

    return tf.cond(exif < 0, lambda: tf.constant(1, tf.int64), read)


def _number(
    file: tf.Tensor, position: tf.Tensor | int, length: int, little: tf.Tensor | bool = False
) -> tf.Tensor:
    """Unsigned numbers in a file; of one that reaches beyond its end, any.

    Args:
        file: its bytes, uint8 [N].
        position: where the numbers begin, of any shape.
        length: bytes of each.
        little: whether the last byte weighs most, bool.

    Returns:
        int64 of the positions' shape.
    """
    places = tf.range(length, dtype=tf.int64)
    positions = tf.cast(position, tf.int64)[..., tf.newaxis] + places
    taken = tf.gather(file, tf.clip_by_value(positions, 0, tf.size(file, tf.int64) - 1))
    powers = [256**place for place in range(length)]
    weights = tf.where(little, tf.constant(powers, tf.int64), tf.constant(powers[::-1], tf.int64))
    return tf.reduce_sum(tf.cast(taken, tf.int64) * weights, axis=-1)
