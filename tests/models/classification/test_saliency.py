"""What speaks for a class is coloured, and nothing else."""

import io
from collections.abc import Sequence

import numpy as np
from PIL import Image

from models.classification.saliency import highlight
from tests.models.classification.test_decisions import CONFIG

SPOT = (slice(16, 24), slice(40, 48))  # part of row 2 and column 5 of a grid of 8


def spotted() -> np.ndarray:
    image = np.full((64, 64, 3), 90, np.uint8)
    image[SPOT] = 250
    return image


def by_the_spot(images: Sequence[bytes]) -> dict[str, np.ndarray]:
    """A model that takes a bright spot for a defect."""
    bright = [np.asarray(Image.open(io.BytesIO(image)))[SPOT].mean() / 255 for image in images]
    return {"probabilities": np.stack([bright, 1 - np.array(bright)], 1).astype(np.float32)}


def test_the_part_that_the_probability_rests_on_is_coloured() -> None:
    image = spotted()
    shown = highlight(image, by_the_spot, CONFIG)
    assert shown.shape == image.shape and shown.dtype == np.uint8
    changed = np.abs(shown.astype(int) - image).sum(axis=-1)
    assert changed[SPOT].min() > 50
    changed[8:32, 32:56] = 0  # the part and, as the overlay is smooth, those around it
    assert not changed.any()


def test_an_image_of_which_no_part_speaks_for_the_class_stays_as_it_is() -> None:
    image = spotted()

    def constant(images: Sequence[bytes]) -> dict[str, np.ndarray]:
        return {"probabilities": np.tile(np.float32([0.2, 0.8]), (len(images), 1))}

    np.testing.assert_array_equal(highlight(image, constant, CONFIG), image)


def test_an_image_smaller_than_the_grid_is_shown() -> None:
    assert highlight(spotted()[:5, :3], fading, CONFIG).shape == (5, 3, 3)


def fading(images: Sequence[bytes]) -> dict[str, np.ndarray]:
    own = np.linspace(0.9, 0.1, len(images))
    return {"probabilities": np.stack([own, 1 - own], 1).astype(np.float32)}
