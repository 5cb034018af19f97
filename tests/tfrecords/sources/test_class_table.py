"""Masks as tools write them, to class ids."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tfrecords.errors import DataError
from tfrecords.images import ImageFault
from tfrecords.sources.class_table import IGNORED, read_classes

IDS = np.arange(12, dtype=np.uint8).reshape(3, 4) % 3
COLOURS = np.array([[0, 128, 0], [128, 0, 0], [7, 8, 9]], np.uint8)
CAMERA = "name, r, g, b, extra\nleaf,0,128,0,1\nstem,128,0,0,1\nsky,7,8,9,1\n"
NAMES = "leaf, stem, sky"


def with_palette(ids: np.ndarray, colours: np.ndarray = COLOURS) -> Image.Image:
    image = Image.fromarray(ids)
    image.putpalette(colours.ravel().tolist())
    return image


def opaque(image: Image.Image) -> Image.Image:
    image.putalpha(255)
    return image


@pytest.fixture
def table_file(tmp_path: Path):
    def write(content: str | bytes) -> str:
        path = tmp_path / "classes.csv"
        path.write_bytes(content.encode("utf-8-sig") if isinstance(content, str) else content)
        return str(path)

    return write


@pytest.mark.parametrize(
    "mask",
    [
        Image.fromarray(IDS),
        with_palette(IDS),
        Image.fromarray(IDS.astype(np.uint16)),
        Image.fromarray(np.stack([IDS] * 3, axis=-1)),
        opaque(Image.fromarray(IDS)),
    ],
    ids=lambda mask: mask.mode,
)
def test_values_are_ids_in_the_order_of_the_names(mask: Image.Image) -> None:
    table = read_classes(NAMES)
    assert table.names == ("leaf", "stem", "sky")
    np.testing.assert_array_equal(table(mask), IDS)
    assert table(mask).mode == "L"


@pytest.mark.parametrize(
    "mask",
    [Image.fromarray(COLOURS[IDS]), with_palette(IDS), opaque(Image.fromarray(COLOURS[IDS]))],
    ids=lambda mask: mask.mode,
)
def test_colours_are_ids_by_a_table(table_file, mask: Image.Image) -> None:
    table = read_classes(table_file(CAMERA))
    np.testing.assert_array_equal(table(mask), IDS)
    assert table.palette == tuple(map(tuple, COLOURS.tolist()))


@pytest.mark.parametrize("divider", [";", "\t"])
def test_a_table_may_be_divided_as_spreadsheets_of_some_languages_do(
    table_file, divider: str
) -> None:
    table = read_classes(table_file(CAMERA.replace(", ", ",").replace(",", divider)))
    assert table == read_classes(table_file(CAMERA))


def test_lines_of_one_name_are_one_class(table_file) -> None:
    table = read_classes(table_file("name,value\nrest,0\nleaf,9\nrest,7\n"))
    assert table.names == ("rest", "leaf")
    np.testing.assert_array_equal(
        table(Image.fromarray(np.array([[0, 9, 7]], np.uint8))), [[0, 1, 0]]
    )


@pytest.mark.parametrize("mode", ["1", "L"])
def test_a_mask_of_two_classes_may_be_black_and_white(mode: str) -> None:
    mask = Image.fromarray(np.array([[0, 255, 0]], np.uint8)).convert(mode)
    np.testing.assert_array_equal(read_classes("background,leaf")(mask), [[0, 1, 0]])


def test_two_classes_and_none_are_not_guessed() -> None:
    mask = Image.fromarray(np.array([[0, 1, 255]], np.uint8))
    with pytest.raises(ImageFault, match="mask holds 1 and 255; .* pass --ignore 255"):
        read_classes("background,leaf")(mask)
    table = read_classes("background,leaf", ignore="255")
    np.testing.assert_array_equal(table(mask), [[0, 1, IGNORED]])
    assert table.ignores


def test_a_value_or_colour_of_no_class_is_ignored(table_file) -> None:
    table = read_classes("leaf,stem", ignore="2")
    np.testing.assert_array_equal(np.asarray(table(Image.fromarray(IDS))) == IGNORED, IDS == 2)
    table = read_classes(table_file(CAMERA.replace("sky,7,8,9,1\n", "")), ignore="7,8,9")
    np.testing.assert_array_equal(
        np.asarray(table(Image.fromarray(COLOURS[IDS]))) == IGNORED, IDS == 2
    )
    assert table.parameters() == {
        "classes": {"0,128,0": "leaf", "128,0,0": "stem", "7,8,9": "none"}
    }


@pytest.mark.parametrize(
    ("classes", "mask", "reason"),
    [
        ("leaf,stem", IDS, r"holds 2, in 4 pixels; expected 0 \(leaf\), 1 \(stem\).* --ignore"),
        ("a,b,c", np.arange(256, dtype=np.uint8), "holds 3 and 4 and 5 and 6 and 7 and 248 more"),
        ("leaf,stem,sky", COLOURS[IDS], "is coloured; give --classes a .csv file"),
        (CAMERA, COLOURS[IDS] + 1, r"holds 1,129,1 and 8,9,10 and 129,1,1.*0,128,0 \(leaf\)"),
        ("leaf,stem,sky", IDS.astype(np.float32), "has mode F; expected grey, a palette or RGB"),
        (CAMERA, IDS.astype(np.float32), "has mode F; expected RGB or a palette"),
        ("leaf,stem,sky", np.stack([IDS] * 4, -1), "is transparent in places"),
    ],
)
def test_what_no_class_is_known_by_is_named(
    table_file, classes: str, mask: np.ndarray, reason: str
) -> None:
    table = read_classes(table_file(classes) if "\n" in classes else classes)
    with pytest.raises(ImageFault, match=reason):
        table(Image.fromarray(np.atleast_2d(mask)))


@pytest.mark.parametrize(
    ("content", "ignore", "reason"),
    [
        ("name,colour\nleaf,0\n", None, "has the columns name, colour; expected name and value"),
        ("", None, "has the columns none; expected name and value"),
        ("name,value\nleaf,0\nleaf,1\n", None, "names one class; expected two or more"),
        ("name,value\n", None, "names no class"),
        ("name,value\nleaf,256\n", None, "line 2 has 256; expected a value of 0 to 255"),
        ("name,value\nleaf\n", None, "line 2 has nothing; expected a value of 0 to 255"),
        ("name,value\nleaf,1\nstem,1\n", None, "line 3 names no class, or a value that an earlier"),
        ("name,r,g,b\nleaf,1,2,x\n", None, "line 2 has 1,2,x; expected a colour"),
        (b"name,value\nbl\xe4tt,1\n", None, "is no text in UTF-8"),
        ("name,value\n" + 200_000 * "9", None, "is no table: field larger than field limit"),
        ("n" * 200_000, None, "is no table: field larger than field limit"),
        (CAMERA, "255", "--ignore 255 has 255; expected a colour"),
        (CAMERA, "7,8,9", "--ignore 7,8,9 is sky in --classes"),
    ],
)
def test_a_table_that_is_none_is_named(
    table_file, content, ignore: str | None, reason: str
) -> None:
    with pytest.raises(DataError, match=reason):
        read_classes(table_file(content), ignore)


@pytest.mark.parametrize(
    ("classes", "reason"),
    [
        ("leaf,leaf", "names a class twice"),
        ("leaf,", "none between two commas"),
        ("leaf,st\x1b[31mem", r"names st\\x1b\[31mem; expected names that can be printed"),
        ("masks/classes", "names one class; expected two or more, .* or the path of a .csv file"),
        (",".join(map(str, range(256))), "has 256 classes; expected at most 255"),
        ("nowhere.csv", "nowhere.csv cannot be read: No such file"),
    ],
)
def test_names_that_are_none_are_told(classes: str, reason: str) -> None:
    with pytest.raises(DataError, match=reason):
        read_classes(classes)


def test_classes_without_colours_get_some_that_differ() -> None:
    palette = read_classes(",".join(map(str, range(20)))).palette
    assert len(set(palette)) == 20
    assert all(0 <= channel <= 255 for colour in palette for channel in colour)
