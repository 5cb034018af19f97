"""What is drawn and saved of an image."""

import base64
import io
import re
import zipfile

import numpy as np
import pytest
from PIL import Image

from drawing import Look, cards, files, overlay
from images import ImageFault, Picture
from segmentation import Segmentation

LOOK = Look([(255, 0, 0), (0, 255, 0), (0, 0, 255)], [1])
GREY = np.full((2, 3, 3), 100, np.uint8)
MASK = np.array([[0, 1, 1], [2, 0, 1]], np.uint8)


@pytest.fixture
def answer() -> tuple[Picture, Segmentation]:
    return Picture(GREY, ()), Segmentation(MASK, {"cat": 0.5}, 1.0)


def test_each_class_is_a_layer_and_the_background_is_off() -> None:
    page = overlay(GREY, MASK, LOOK, 100)
    layers = re.findall(r'base64,([^"]*)" style="display: var\(--class-(\d), (\w+)\)"', page)
    assert [(number, shown) for _, number, shown in layers] == [
        ("0", "block"),
        ("1", "none"),
        ("2", "block"),
    ]
    for encoded, number, _ in layers:
        layer = np.asarray(Image.open(io.BytesIO(base64.b64decode(encoded))).convert("RGBA"))
        of_class = int(number) == MASK
        assert (layer[..., 3] == 255 * of_class).all()
        assert (layer[of_class][:, :3] == LOOK.palette[int(number)]).all()


def test_files_are_named_after_the_photo(answer: tuple[Picture, Segmentation]) -> None:
    saved = files("my cat.v2.jpeg", *answer, LOOK)
    assert list(saved) == ["my cat.v2-mask.png", "my cat.v2-overlay.jpg"]
    mask, both = (Image.open(io.BytesIO(content)) for content in saved.values())
    np.testing.assert_array_equal(np.asarray(mask), MASK)
    assert (both.format, both.size) == ("JPEG", (3, 2))


def test_files_of_one_name_do_not_meet_in_the_zip(answer: tuple[Picture, Segmentation]) -> None:
    page = cards([("a.png", answer), ("no.png", ImageFault("No.")), ("a.jpg", answer)], LOOK)
    [encoded] = re.findall(r'download="masks.zip" href="data:application/zip;base64,([^"]*)"', page)
    assert zipfile.ZipFile(io.BytesIO(base64.b64decode(encoded))).namelist() == [
        "a-mask.png",
        "a-overlay.jpg",
        "3-a-mask.png",
        "3-a-overlay.jpg",
    ]
    assert page.count("<article") == 3
    assert "download" not in cards([("no.png", ImageFault("No."))], LOOK)
