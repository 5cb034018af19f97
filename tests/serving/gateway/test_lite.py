"""A LiteRT file is asked as a SavedModel is."""

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps

from serving.client import RestClient
from serving.errors import ServingError
from serving.gateway.lite import LiteServable
from tests.serving.own_server import MODEL, Running
from tests.serving.tiny_models import write_lite

EXIF_ORIENTATION = 0x0112


def half_bright(height: int, width: int, orientation: int = 1) -> bytes:
    """The left half of what is stored is bright."""
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[:, : width // 2] = 255
    exif = Image.Exif()
    exif[EXIF_ORIENTATION] = orientation
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG", exif=exif)
    return file.getvalue()


@pytest.fixture
def lite(tmp_path: Path) -> Path:
    return write_lite(tmp_path / "model.tflite")


def test_it_is_served_beside_others(
    serve: Callable[..., Running], lite: Path, two_versions: Path
) -> None:
    server = serve(lite, grpc_port=0)
    [found, turned] = RestClient(server.url, MODEL, label="").predict(
        [half_bright(40, 60), half_bright(40, 60, orientation=6)]
    )
    assert (
        found.mask.shape == (40, 60) and found.mask[:, :30].all() and not found.mask[:, 30:].any()
    )
    # A quarter clockwise: what was left is above.
    assert turned.mask.shape == (60, 40)
    assert turned.mask[:30].all() and not turned.mask[30:].any()
    assert found.class_fractions == turned.class_fractions == [0.5, 0.5, 0]
    metadata = server.get(f"/v1/models/{MODEL}/metadata").json()
    signature = metadata["metadata"]["signature_def"]["signature_def"]["serving_default"]
    assert signature["outputs"].keys() == {"mask_png_bytes", "class_fractions"}
    assert [
        size["size"] for size in signature["outputs"]["class_fractions"]["tensor_shape"]["dim"]
    ] == ["-1", "3"]
    answer = server.ask([b"text", half_bright(8, 8)]).json()["predictions"]
    assert answer[0].keys() == {"error"} and answer[1]["class_fractions"] == [0.5, 0.5, 0]


def test_orientations_as_the_graph_turns_them(lite: Path) -> None:
    """As Pillow does, of pixels that look otherwise in each."""
    pixels = np.zeros((4, 6, 3), np.uint8)
    pixels[0, :4] = pixels[2:, 5] = 255
    servable = LiteServable(lite, 1, None)
    for orientation in range(1, 9):
        exif = Image.Exif()
        exif[EXIF_ORIENTATION] = orientation
        file = io.BytesIO()
        Image.fromarray(pixels).save(file, "PNG", exif=exif)
        [told] = servable.predict([file.getvalue()])
        mask = np.asarray(Image.open(io.BytesIO(told["mask_png_bytes"])))
        expected = np.asarray(ImageOps.exif_transpose(Image.open(file)))[..., 0] > 127
        np.testing.assert_array_equal(mask, expected, err_msg=f"{orientation}")


def test_a_large_image_is_made_smaller_and_its_mask_enlarged(lite: Path) -> None:
    servable = LiteServable(lite, 1, None)
    [told] = servable.predict([half_bright(2000, 4000)])
    mask = np.asarray(Image.open(io.BytesIO(told["mask_png_bytes"])))
    assert mask.shape == (2000, 4000) and mask[:, :1990].all() and not mask[:, 2010:].any()


def test_what_is_none(serve: Callable[..., Running], lite: Path, tmp_path: Path) -> None:
    content = lite.read_bytes()
    broken = tmp_path / "broken.tflite"
    for damaged in (b"", content[:-40], b"TFL3" + content[1000:]):
        broken.write_bytes(damaged)
        with pytest.raises(ServingError, match="no whole LiteRT file of this pipeline"):
            LiteServable(broken, 1, None)
    with pytest.raises(ServingError, match="a model of segmentation, and classification is served"):
        LiteServable(lite, 1, "classification")
