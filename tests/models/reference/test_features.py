"""What is measured of an image file."""

import io

import numpy as np
import pytest
from PIL import Image, ImageFilter

from models.reference.features import measure_image, measure_size


def drawn(width: int = 120, height: int = 80) -> Image.Image:
    pixels = np.random.default_rng(0).integers(60, 200, (height // 4, width // 4, 3), np.uint8)
    return Image.fromarray(pixels).resize((width, height), Image.Resampling.NEAREST)


def encode(image: Image.Image, kind: str = "PNG", **keywords: object) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **keywords)
    return file.getvalue()


def test_what_is_done_to_an_image_shows_in_its_own_figure() -> None:
    image = drawn()
    plain = measure_image(encode(image))
    dark = measure_image(encode(image.point(lambda value: value // 2)))
    blurred = measure_image(encode(image.filter(ImageFilter.GaussianBlur(2))))
    assert dark["brightness"] == pytest.approx(plain["brightness"] / 2, rel=0.02)
    assert dark["contrast"] == pytest.approx(plain["contrast"] / 2, rel=0.02)
    assert blurred["sharpness"] < plain["sharpness"] - 1
    assert blurred["brightness"] == pytest.approx(plain["brightness"], rel=0.02)


def test_an_image_counts_as_it_is_shown() -> None:
    turned = Image.Exif()
    turned[0x0112] = 6
    assert measure_image(encode(drawn()))["aspect"] == 1.5
    assert measure_image(encode(drawn(), "JPEG", exif=turned))["aspect"] == pytest.approx(2 / 3)
    large = measure_image(encode(drawn(2000, 1000), "JPEG"))
    assert (large["size"], large["aspect"]) == (2.0, 2.0)


@pytest.mark.parametrize("content", [b"", b"no image", encode(drawn(), "JPEG")[:300]])
def test_what_is_no_image_is_told(content: bytes) -> None:
    with pytest.raises(ValueError, match="cannot be read"):
        measure_image(content)


def test_an_image_that_would_fill_the_memory_is_not_decoded() -> None:
    whole = encode(Image.new("1", (20_000, 10_000)))
    with pytest.raises(ValueError, match="DecompressionBomb"):
        measure_image(whole)


def test_a_size_is_that_which_is_shown() -> None:
    turned = Image.Exif()
    turned[0x0112] = 8
    assert measure_size(encode(drawn())) == (120, 80)
    assert measure_size(encode(drawn(), "JPEG", exif=turned)) == (80, 120)
