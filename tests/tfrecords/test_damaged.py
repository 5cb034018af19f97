"""What the converter takes of damaged files, TensorFlow decodes."""

import io
import warnings

import numpy as np
import pytest
from PIL import Image

from models import preprocessing
from models.segmentation.labels import decode_mask
from tfrecords.images import ImageFault, convert_pair

FILES = 220  # of each kind


def encoded(image: Image.Image, encoding: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, encoding, **options)
    return buffer.getvalue()


PHOTO = Image.fromarray(np.random.default_rng(0).integers(0, 256, (5, 6, 3), np.uint8)).resize(
    (60, 40), Image.Resampling.BICUBIC
)
TRIMAP = encoded(Image.new("L", (60, 40), 1), "PNG")
KINDS = {
    "JPEG": encoded(PHOTO, "JPEG"),
    "grey JPEG": encoded(PHOTO.convert("L"), "JPEG"),
    "progressive JPEG": encoded(PHOTO, "JPEG", progressive=True),
    "JPEG with restart markers": encoded(PHOTO, "JPEG", restart_marker_blocks=2),
    "PNG": encoded(PHOTO, "PNG"),
    "grey PNG": encoded(PHOTO.convert("L"), "PNG"),
}


def damaged(data: bytes, way: int, random: np.random.Generator) -> bytes:
    """Cuts a file off, flips bits, takes a piece out, or changes a byte of the header."""
    spoiled = bytearray(data)
    at = int(random.integers(2, len(spoiled)))
    if way == 0:
        del spoiled[at:]
    elif way == 1:
        for place in random.integers(0, len(spoiled), random.integers(1, 4)):
            spoiled[place] ^= 1 << int(random.integers(8))
    elif way == 2:
        del spoiled[at : at + int(random.integers(1, 40))]
    else:
        spoiled[at % 200] = int(random.integers(256))
    return bytes(spoiled)


@pytest.mark.parametrize("kind", KINDS)
def test_damaged_photos_are_refused_or_can_be_trained_on(kind: str) -> None:
    random = np.random.default_rng(1)
    refused = 0
    for number in range(FILES):
        data = damaged(KINDS[kind], number % 4, random)
        try:
            with warnings.catch_warnings(action="ignore"):  # Pillow's, of metadata
                image, mask, *_ = convert_pair(data, TRIMAP, 256)
        except ImageFault:
            refused += 1
            continue
        pixels = preprocessing.decode_image(image).numpy()
        assert pixels.shape[:2] == decode_mask(mask).shape
        if kind.endswith("PNG"):  # whose checksums tell all that matters
            np.testing.assert_array_equal(
                pixels, Image.open(io.BytesIO(KINDS[kind])).convert("RGB")
            )
    assert FILES / 4 <= refused <= FILES


def test_what_only_pillow_decodes_is_refused() -> None:
    """A JPEG with something else than its end, and so with too few lines for TensorFlow."""
    random = np.random.default_rng(3)
    told = set()
    for _ in range(100):
        data = bytearray(KINDS["JPEG with restart markers"])
        data[-2] = 0x7F
        data[int(random.integers(50, len(data) - 2))] ^= 1 << int(random.integers(8))
        try:
            convert_pair(bytes(data), TRIMAP, 256)
        except ImageFault as error:
            told.add(str(error))
    assert (
        "image cannot be decoded by TensorFlow, though by other programs: write it again as a "
        "plain JPEG or PNG" in told
    )


def test_damaged_masks_are_refused_or_are_as_they_were() -> None:
    random = np.random.default_rng(2)
    trimap = random.integers(1, 4, (40, 60), np.uint8)
    data = encoded(Image.fromarray(trimap), "PNG")
    for number in range(FILES):
        try:
            _, mask, *_ = convert_pair(KINDS["JPEG"], damaged(data, number % 4, random), 256)
        except ImageFault:
            continue
        np.testing.assert_array_equal(decode_mask(mask), trimap - 1)


@pytest.mark.parametrize("max_side", [30, 256])
def test_a_png_without_its_end_or_with_a_wrong_checksum(max_side: int) -> None:
    wrong = bytearray(KINDS["PNG"])
    wrong[-13] ^= 1  # the last byte of IDAT's checksum
    for data in (KINDS["PNG"][:-12], bytes(wrong)):
        with pytest.raises(ImageFault, match="image cannot be decoded"):
            convert_pair(data, TRIMAP, max_side)
