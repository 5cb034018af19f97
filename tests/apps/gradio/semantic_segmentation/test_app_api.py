"""The endpoints, as programs call them."""

import io
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from PIL import Image

from images import read_image
from segmentation import Model
from tests.apps.gradio.running import HOSTILE_NAMES, RunningApp, Serve
from tfrecords.drawing import scenes


@pytest.fixture(scope="module")
def client(app: RunningApp, tmp_path_factory: pytest.TempPathFactory) -> Client:
    return Client(app.url, verbose=False, download_files=tmp_path_factory.mktemp("answers"))


@pytest.fixture
def photos(tmp_path: Path) -> list[Path]:
    paths = [tmp_path / f"photo-{index}.jpg" for index in range(5)]
    for index, path in enumerate(paths):
        path.write_bytes(scenes.draw(seed=23, index=index).jpeg())
    return paths


def ids(png: str | bytes) -> np.ndarray:
    image = Image.open(png if isinstance(png, str) else io.BytesIO(png))
    assert (image.format, image.mode) == ("PNG", "L")
    return np.asarray(image)


def test_the_endpoints_are_named(client: Client) -> None:
    endpoints = client.view_api(return_format="dict")
    assert set(endpoints["named_endpoints"]) == {"/segment", "/segment_batch"}
    assert endpoints["unnamed_endpoints"] == {}


def test_an_image_is_segmented(client: Client, photos: list[Path], serve: Serve) -> None:
    mask, shares, milliseconds = client.predict(handle_file(photos[0]), api_name="/segment")
    png, fractions = serve(photos[0].read_bytes())
    np.testing.assert_array_equal(ids(mask), ids(png))
    assert tuple(shares) == HOSTILE_NAMES
    np.testing.assert_allclose(list(shares.values()), fractions, atol=1e-6)
    assert milliseconds > 0


def test_the_file_reaches_the_reader_as_it_is(
    client: Client, photos: list[Path], model_folder: Path, tmp_path: Path
) -> None:
    turned = tmp_path / "turned.jpg"
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.open(photos[0]).save(turned, exif=exif, quality=95)
    mask, _, _ = client.predict(handle_file(turned), api_name="/segment")
    pixels = read_image(turned.read_bytes()).pixels
    assert pixels.shape[:2] == Image.open(photos[0]).size
    np.testing.assert_array_equal(ids(mask), Model(model_folder).segment(pixels).mask)


def test_a_wrong_file_is_told_in_a_sentence(client: Client, tmp_path: Path) -> None:
    path = tmp_path / "notes.jpg"
    path.write_text("These are no pixels.")
    with pytest.raises(AppError, match="^The file is not an image that can be read: send a JPEG"):
        client.predict(handle_file(path), api_name="/segment")


def test_one_bad_file_keeps_none_of_the_others_back(
    client: Client, photos: list[Path], serve: Serve, tmp_path: Path
) -> None:
    empty = tmp_path / "empty.jpg"
    empty.touch()
    cut = tmp_path / "cut.jpg"
    cut.write_bytes(photos[2].read_bytes()[:2000])
    sent = [photos[0], empty, photos[1], cut]
    masks, results = client.predict([handle_file(path) for path in sent], api_name="/segment_batch")
    assert [result["name"] for result in results] == [path.name for path in sent]
    assert ["error" in result for result in results] == [False, True, False, True]
    assert results[1]["error"].startswith("The file is empty")
    assert results[3]["error"].startswith("The image is damaged or cut off")
    assert [mask["caption"] for mask in masks] == [photos[0].name, photos[1].name]
    for mask, photo in zip(masks, photos, strict=False):
        np.testing.assert_array_equal(ids(mask["image"]), ids(serve(photo.read_bytes())[0]))


@pytest.mark.parametrize("count", [0, 101])
def test_a_batch_has_its_limits(client: Client, photos: list[Path], count: int) -> None:
    with pytest.raises(AppError, match=f"^{count} files were chosen: choose 1 to 100 images"):
        client.predict([handle_file(photos[0])] * count, api_name="/segment_batch")


def test_users_at_once_get_their_own_masks(
    app: RunningApp, photos: list[Path], serve: Serve, tmp_path: Path
) -> None:
    def use(user: int) -> None:
        client = Client(app.url, verbose=False, download_files=tmp_path / str(user))
        for turn in range(4):
            photo = photos[(user // 3 + turn) % len(photos)]  # three at a time ask for the same
            mask, _, _ = client.predict(handle_file(photo), api_name="/segment")
            np.testing.assert_array_equal(ids(mask), ids(serve(photo.read_bytes())[0]))

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(use, range(6)))


def test_no_other_host_is_asked(app: RunningApp, client: Client) -> None:
    assert client.view_api(return_format="dict")
    assert not app.asked_outside()
