"""What is measured of an image file, without a model."""

import contextlib
import io
import warnings
from collections.abc import Iterator

import numpy as np
from PIL import Image
from scipy.ndimage import laplace

# So large an image is measured, pixels to a side; a larger one is reduced first, as for a network.
_SIDE = 256
_TRANSPOSED = (5, 6, 7, 8)  # EXIF's orientations that swap width and height
_ORIENTATION = 0x0112  # EXIF's tag


def measure_image(image_bytes: bytes) -> dict[str, float]:
    """Measure a JPEG or PNG.

    Returns:
        `brightness`, the mean of its luma, 0..1; `contrast`, the standard deviation of it;
        `sharpness`, the logarithm of the standard deviation of its Laplacian (Pech-Pacheco et al.,
        "Diatom autofocusing in brightfield microscopy", ICPR 2000); `size`, its megapixels; and
        `aspect`, width by height, as it is shown.

    Raises:
        ValueError: it is no image that can be read.
    """
    with _opened(image_bytes) as image:
        width, height = _shown_size(image)
        image.draft("L", (_SIDE, _SIDE))
        grey = image.convert("L")
    grey.thumbnail((_SIDE, _SIDE), Image.Resampling.BILINEAR)
    luma = np.asarray(grey, np.float32) / 255
    return {
        "brightness": float(luma.mean()),
        "contrast": float(luma.std()),
        "sharpness": float(np.log(laplace(luma).std() + 1e-4)),
        "size": width * height / 1e6,
        "aspect": width / height,
    }


def measure_size(image_bytes: bytes) -> tuple[int, int]:
    """Width and height of a JPEG or PNG, as it is shown.

    Raises:
        ValueError: it is no image that can be read.
    """
    with _opened(image_bytes) as image:
        return _shown_size(image)


@contextlib.contextmanager
def _opened(image_bytes: bytes) -> Iterator[Image.Image]:
    try:
        with warnings.catch_warnings(), Image.open(io.BytesIO(image_bytes)) as image:
            warnings.simplefilter("error")  # an image that would fill the memory
            yield image
    except Exception as error:  # of a broken file Pillow raises errors of many kinds
        raise ValueError(f"The image cannot be read ({type(error).__name__}).") from error


def _shown_size(image: Image.Image) -> tuple[int, int]:
    width, height = image.size
    turned = image.getexif().get(_ORIENTATION) in _TRANSPOSED
    return (height, width) if turned else (width, height)
