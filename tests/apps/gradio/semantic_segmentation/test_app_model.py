"""The app's masks are the model's own."""

import io
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from drawing import colour
from images import read_image
from scenes import draw_scenes
from segmentation import Model
from tests.apps.gradio.running import HOSTILE_NAMES, Serve
from tests.conftest import REPOSITORY
from tests.models.sent_images import sent_images
from tfrecords.drawing import scenes

PHOTOS = sorted((REPOSITORY.parent / "shared/data/pets/images").glob("*.jpg"))[::97][:8]


@pytest.fixture(scope="module")
def model(model_folder: Path) -> Model:
    return Model(model_folder)


def drawn_images() -> list[bytes]:
    return [scenes.draw(seed=11, index=index).jpeg() for index in range(6)]


def test_every_file_means_the_same_to_the_model(model: Model, serve: Serve) -> None:
    """EXIF, transparency, palettes, few and many bits, CMYK: by Pillow here, in the graph there."""
    for name, image in sent_images():
        found = model.segment(read_image(image).pixels)
        png, fractions = serve(image)
        mask = np.asarray(Image.open(io.BytesIO(png)))
        assert found.mask.shape == mask.shape, name
        # A level of rounding may lie between the two.
        assert (found.mask == mask).mean() > 0.99, name
        np.testing.assert_allclose(list(found.shares.values()), fractions, atol=0.01)


def test_a_large_mask_is_decided_small(lite_folder: Path) -> None:
    """By a model that tells the brightest channel, which is known without it."""
    corners = np.arange(12, dtype=np.uint8).reshape(3, 4) % 3
    image = Image.fromarray(np.eye(3, dtype=np.uint8)[corners] * 200).resize((4000, 3000), 0)
    mask = Model(lite_folder).segment(np.asarray(image)).mask
    assert mask.shape == (3000, 4000)
    assert (mask[10:990, 10:990] == corners[0, 0]).all()
    assert (mask == np.kron(corners, np.ones((1000, 1000), np.uint8))).mean() > 0.999


def check(model: Model, serve: Serve, image: bytes) -> None:
    found = model.segment(read_image(image).pixels)
    png, fractions = serve(image)
    np.testing.assert_array_equal(found.mask, np.asarray(Image.open(io.BytesIO(png))))
    np.testing.assert_allclose(list(found.shares.values()), fractions, atol=1e-6)
    assert tuple(found.shares) == HOSTILE_NAMES
    assert found.milliseconds > 0


def test_masks_of_drawn_images_are_the_models_own(model: Model, serve: Serve) -> None:
    for image in drawn_images():
        check(model, serve, image)


@pytest.mark.skipif(not PHOTOS, reason="there are no photos beside the repository")
def test_masks_of_photos_are_the_models_own(model: Model, serve: Serve) -> None:
    for photo in PHOTOS:
        check(model, serve, photo.read_bytes())


def test_threads_get_the_masks_of_their_own_images(model: Model) -> None:
    pixels = [read_image(image).pixels for image in drawn_images()] * 4
    alone = [model.segment(one).mask for one in pixels[:6]] * 4
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda one: model.segment(one).mask, pixels))
    for one, other in zip(alone, together, strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_folder_without_a_model_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=f"{tmp_path} holds no model of the pipeline"):
        Model(tmp_path)


def test_a_coloured_mask_still_holds_class_ids() -> None:
    mask = np.array([[0, 1], [2, 1]], np.uint8)
    palette = [(230, 97, 1), (94, 60, 153), (253, 184, 99)]
    image = colour(mask, palette)
    np.testing.assert_array_equal(np.asarray(image), mask)
    np.testing.assert_array_equal(np.asarray(image.convert("RGB")), np.array(palette)[mask])


def test_the_scenes_are_the_same_every_time(tmp_path: Path) -> None:
    folders = [tmp_path / "once", tmp_path / "again"]
    for folder in folders:
        folder.mkdir()
    once, again = (draw_scenes(folder) for folder in folders)
    assert len(once) == 3
    assert [path.read_bytes() for path in once] == [path.read_bytes() for path in again]
