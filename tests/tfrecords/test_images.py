import io

import numpy as np
import pytest
import tensorflow as tf
from PIL import ExifTags, Image, ImageOps

from models import preprocessing
from tests.models.sent_images import odd_images
from tfrecords.drawing import scenes
from tfrecords.images import FIRST_FRAME, ON_WHITE, TURNED, ImageFault, convert_image, convert_pair


def encoded(image: Image.Image, encoding: str = "PNG", **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, encoding, **options)
    return buffer.getvalue()


def trimap(width: int = 60, height: int = 40) -> Image.Image:
    return Image.fromarray(np.random.default_rng(0).integers(1, 4, (height, width), np.uint8))


def photo(width: int = 60, height: int = 40) -> Image.Image:
    pixels = np.random.default_rng(1).integers(0, 256, (height, width, 3), np.uint8)
    return Image.fromarray(pixels)


def pixels(data: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(data)))


@pytest.mark.parametrize("encoding", ["JPEG", "PNG"])
@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_small_images_keep_their_bytes(encoding: str, mode: str) -> None:
    image = encoded(photo().convert(mode), encoding)
    kept, mask, *_ = convert_pair(image, encoded(trimap()), max_side=60)
    assert kept == image
    np.testing.assert_array_equal(pixels(mask), np.asarray(trimap()) - 1)


def test_larger_pairs_are_reduced_and_masks_by_nearest_neighbour_only() -> None:
    image, mask, *_ = convert_pair(encoded(photo(90, 45)), encoded(trimap(90, 45)), max_side=30)
    assert pixels(image).shape == (15, 30, 3)
    reference = np.asarray(trimap(90, 45))[1::3, 1::3] - 1  # the middle one of three pixels
    np.testing.assert_array_equal(pixels(mask), reference)


def test_a_reduced_photo_is_antialiased() -> None:
    stripes = np.zeros((64, 64, 3), np.uint8)
    stripes[:, ::2] = 255
    image, *_ = convert_pair(encoded(Image.fromarray(stripes)), encoded(trimap(64, 64)), 16)
    assert abs(pixels(image).astype(int) - 128).max() < 40


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("max_side", [37, 128, 256])
def test_masks_hold_class_ids_only(seed: int, max_side: int) -> None:
    scene = scenes.draw(seed, seed)
    image, mask, *_ = convert_pair(scene.jpeg(), scene.png(scenes.PET), max_side)
    assert set(np.unique(pixels(mask))) <= {0, 1, 2}
    assert pixels(mask).shape == pixels(image).shape[:2]
    assert max(pixels(mask).shape) == min(max_side, max(scene.trimap.shape))


@pytest.mark.parametrize(
    ("mode", "encoding"),
    [("P", "GIF"), ("CMYK", "JPEG"), ("RGBA", "PNG"), ("LA", "PNG"), ("P", "PNG"), ("1", "PNG"),
     ("RGB", "BMP"), ("RGB", "WEBP"), ("RGB", "AVIF"), ("RGB", "TIFF")],
)  # fmt: skip
def test_other_formats_and_modes_become_what_tensorflow_decodes(mode: str, encoding: str) -> None:
    data = encoded(photo().convert(mode), encoding)
    image, *_ = convert_pair(data, encoded(trimap()), 256)
    shown = Image.open(io.BytesIO(data)).convert("RGB")
    np.testing.assert_array_equal(tf.io.decode_image(image, channels=3), shown)


def test_sixteen_bit_levels_are_scaled_not_cut_off() -> None:
    deep = Image.fromarray(np.full((40, 60), 128 << 8, np.uint16))
    image, *_ = convert_pair(encoded(deep), encoded(trimap()), 256)
    assert abs(int(pixels(image).mean()) - 128) <= 1


def test_palette_masks_are_read_as_indices() -> None:
    mask = trimap()
    mask.putpalette([9, 9, 9, 200, 0, 0, 0, 200, 0, 0, 0, 200])
    _, label, *_ = convert_pair(encoded(photo()), encoded(mask), 256)
    np.testing.assert_array_equal(pixels(label), np.asarray(trimap()) - 1)


def turned(orientation: int) -> Image.Exif:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    return exif


@pytest.mark.parametrize("encoding", ["JPEG", "PNG", "TIFF", "WEBP"])
@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("max_side", [30, 60])
def test_photos_are_turned_as_a_viewer_turns_them(
    encoding: str, orientation: int, max_side: int
) -> None:
    corner = Image.new("RGB", (60, 40))
    corner.paste("red", (0, 0, 20, 10))
    data = encoded(corner, encoding, exif=turned(orientation))
    shown = ImageOps.exif_transpose(Image.open(io.BytesIO(data)).convert("RGB"))
    image, _, changes, _ = convert_pair(data, encoded(trimap(*shown.size)), max_side)
    assert changes == ((TURNED,) if orientation > 1 else ())
    assert Image.open(io.BytesIO(image)).getexif().get(ExifTags.Base.Orientation, 1) == 1
    scale = 60 // max_side
    decoded = tf.io.decode_image(image, channels=3).numpy().astype(int)
    expected = np.asarray(shown.reduce(scale), int)
    assert decoded.shape == expected.shape
    assert abs(decoded - expected).mean() < 5


def test_a_mask_is_turned_by_its_own_tag() -> None:
    upright = trimap(40, 60)
    data = encoded(upright.transpose(Image.Transpose.ROTATE_90), exif=turned(6))
    for image in (encoded(photo(40, 60)), encoded(photo(), "JPEG", exif=turned(6))):
        _, mask, *_ = convert_pair(image, data, 256)
        np.testing.assert_array_equal(pixels(mask), np.asarray(upright) - 1)


def cut_out(mode: str) -> Image.Image:
    """Half of a photo, of mode RGBA or LA; the other half is transparent."""
    image = photo().convert(mode)
    image.putalpha(Image.new("L", image.size, 255))
    image.paste(0, (0, 0, 30, 40))
    return image


@pytest.mark.parametrize(
    "data",
    [
        encoded(cut_out("RGBA")),
        encoded(cut_out("LA")),
        encoded(cut_out("RGBA"), "WEBP", lossless=True),
        encoded(cut_out("RGBA"), "GIF"),
        encoded(Image.composite(photo(), Image.new("RGB", (60, 40)), cut_out("LA").getchannel("A")),
                transparency=(0, 0, 0)),
    ],
)  # fmt: skip
def test_transparent_photos_are_laid_on_white(data: bytes) -> None:
    image, _, changes, _ = convert_pair(data, encoded(trimap()), 256)
    assert changes == (ON_WHITE,)
    decoded = tf.io.decode_image(image, channels=3).numpy()
    assert decoded.shape == (40, 60, 3) and (decoded[:, :30] == 255).all()
    shown = Image.open(io.BytesIO(data)).convert("RGB")
    np.testing.assert_array_equal(decoded[:, 30:], np.asarray(shown)[:, 30:])


@pytest.mark.parametrize(("name", "data", "shown"), list(odd_images()))
def test_photos_of_which_readers_differ(name: str, data: bytes, shown: np.ndarray) -> None:
    trained = preprocessing.decode_image(convert_image(data, max_side=256).image)
    np.testing.assert_allclose(trained.numpy().astype(int), shown, atol=1)


def test_an_alpha_channel_that_hides_nothing_changes_nothing() -> None:
    image, _, changes, _ = convert_pair(encoded(photo().convert("RGBA")), encoded(trimap()), 256)
    assert changes == ()
    np.testing.assert_array_equal(pixels(image), np.asarray(photo()))


def test_the_first_of_several_frames_is_taken() -> None:
    frames = [photo(), photo().transpose(Image.Transpose.ROTATE_180)]
    for encoding in ("GIF", "TIFF", "WEBP"):
        data = encoded(frames[0], encoding, save_all=True, append_images=frames[1:])
        image, _, changes, _ = convert_pair(data, encoded(trimap()), 256)
        assert changes == (FIRST_FRAME,)
        shown = Image.open(io.BytesIO(data)).convert("RGB")
        np.testing.assert_array_equal(pixels(image), shown)


def bad_trimap(*values: int) -> Image.Image:
    spoiled = np.asarray(trimap()).copy()
    spoiled[0, : len(values)] = values
    return Image.fromarray(spoiled)


JPEG = encoded(photo(), "JPEG")


@pytest.mark.parametrize(
    ("image", "mask", "message"),
    [
        (b"", encoded(trimap()), r"image file is empty \(0 bytes\)"),
        (JPEG, b"", r"mask file is empty"),
        (b"no image", encoded(trimap()), "image is no image that can be decoded"),
        (JPEG[: len(JPEG) // 2], encoded(trimap()), "image cannot be decoded: .*truncated"),
        (JPEG, encoded(trimap())[:200], "mask cannot be decoded"),
        (JPEG, encoded(trimap(40, 60)), "mask is 40x60 pixels but its image is 60x40; expected"),
        (JPEG, encoded(bad_trimap(0, 7, 255)), "mask holds the values 0, 7, 255; expected only 1"),
        (JPEG, encoded(trimap(), "JPEG"), "mask is a JPEG, which changes values at edges; save it"),
        (JPEG, encoded(photo()), "mask has mode RGB; expected one channel of 8 bits"),
        (encoded(Image.new("F", (60, 40)), "TIFF"), encoded(trimap()), "levels of 32 bits"),
        (encoded(photo(), "PPM"), encoded(trimap()), "image is no image that can be decoded"),
        (
            encoded(photo(), "JPEG", exif=turned(6)),
            encoded(trimap()),
            "mask is 60x40 pixels but its image is 40x60, turned upright, as EXIF says; expected",
        ),
    ],
)
def test_faults_are_told(image: bytes, mask: bytes, message: str) -> None:
    with pytest.raises(ImageFault, match=message):
        convert_pair(image, mask, 256)


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_a_decompression_bomb_is_not_decoded() -> None:
    for width in (10_000, 20_000):  # above Pillow's warning and above its error
        bomb = encoded(Image.new("1", (width, 10_000)))
        with pytest.raises(ImageFault, match="above the limit of"):
            convert_pair(bomb, encoded(trimap()), 256)
