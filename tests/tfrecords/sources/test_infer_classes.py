"""Classes that masks show by themselves."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tfrecords.errors import DataError
from tfrecords.sources.class_table import IGNORED
from tfrecords.sources.infer_classes import infer_classes

RED, BLUE = (255, 0, 0), (0, 0, 255)


@pytest.fixture
def folders(tmp_path: Path) -> Path:
    for name in ("images", "masks"):
        (tmp_path / name).mkdir()
    return tmp_path


def add(folders: Path, name: str, mask: Image.Image) -> None:
    Image.new("RGB", mask.size).save(folders / "images" / f"{name}.jpg")
    mask.save(folders / "masks" / f"{name}.png")


def stripes(*values: object, mode: str = "L") -> Image.Image:
    """A column of each value."""
    mask = Image.new(mode, (len(values), 4))
    for column, value in enumerate(values):
        mask.paste(value, (column, 0, column + 1, 4))  # type: ignore[arg-type]
    return mask


def infer(folders: Path):  # type: ignore[no-untyped-def]
    return infer_classes(str(folders / "images"), str(folders / "masks"))


@pytest.mark.parametrize(
    ("masks", "names", "ids"),
    [
        ([(0, 255)], ("background", "object"), {0: 0, 255: 1}),
        ([(0,), (1, 0)], ("background", "object"), {0: 0, 1: 1}),
        ([(0, 1, 2)], ("background", "class 1", "class 2"), {0: 0, 1: 1, 2: 2}),
        ([(1, 2), (3, 2)], ("class 1", "class 2", "class 3"), {1: 0, 2: 1, 3: 2}),
        ([(0, 2), (255, 0)], ("background", "object"), {0: 0, 2: 1, 255: IGNORED}),
    ],
)
def test_values_of_all_masks(folders: Path, masks, names, ids) -> None:  # type: ignore[no-untyped-def]
    for number, values in enumerate(masks):
        add(folders, f"photo {number}", stripes(*values))
    table = infer(folders)
    assert (table.names, dict(table.ids), table.coloured) == (names, ids, False)
    assert len(table.palette) == len(names)


def test_a_palette_tells_by_its_indices(folders: Path) -> None:
    mask = stripes(0, 3, mode="P")
    mask.putpalette([10, 20, 30] * 4)
    add(folders, "a", mask)
    assert dict(infer(folders).ids) == {0: 0, 3: 1}


def test_one_coloured_mask_makes_all_tell_by_colour(folders: Path) -> None:
    add(folders, "a", stripes(0, 0))
    add(folders, "b", stripes(RED, BLUE, mode="RGB"))
    table = infer(folders)
    assert table.names == ("background", "#0000ff", "#ff0000") and table.coloured
    assert table.palette == ((0, 0, 0), BLUE, RED)


def test_a_broken_mask_is_left_to_the_conversion(folders: Path) -> None:
    add(folders, "a", stripes(0, 255))
    add(folders, "b", stripes(0, 255))
    (folders / "masks" / "b.png").write_bytes(b"broken")
    assert infer(folders).names == ("background", "object")


def test_masks_that_show_no_classes(folders: Path) -> None:
    add(folders, "a", stripes(7, 7))
    with pytest.raises(DataError, match="hold one value; expected two or more"):
        infer(folders)
    add(folders, "b", Image.fromarray(np.arange(100, dtype=np.uint8)[np.newaxis]))
    with pytest.raises(DataError, match="more than 64 values, which are no classes"):
        infer(folders)
