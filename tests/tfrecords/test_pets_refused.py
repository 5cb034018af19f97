"""Bad files and arguments, of which each is named, and of which none ends in a traceback."""

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.tfrecords.converting import cli, convert
from tfrecords import create_tfrecords_pets
from tfrecords.dataset import read_info
from tfrecords.errors import DataError


@pytest.fixture
def spoiled(raw: Path) -> dict[str, str]:
    """Spoils ten files of `raw` and returns what is to be said of each."""
    images, masks = raw / "images", raw / "trimaps"
    names = sorted(path.stem for path in images.iterdir())
    told = {}

    def spoil(message: str) -> str:
        name = names[len(told)]
        told[name] = message
        return name

    (masks / f"{spoil('image has no mask')}.png").unlink()
    (images / f"{spoil('mask has no image')}.jpg").unlink()
    (images / f"{spoil('image file is empty (0 bytes)')}.jpg").write_bytes(b"")
    (images / f"{spoil('image is no image that can be decoded')}.jpg").write_bytes(b"garbage")
    cut = images / f"{spoil('image cannot be decoded')}.jpg"
    cut.write_bytes(cut.read_bytes()[:-1500])
    Image.new("L", (9, 7), 1).save(masks / f"{spoil('mask is 9x7 pixels but its image is')}.png")
    name = spoil("mask holds the values 0, 255; expected only 1 (pet), 2 (background), 3 (border)")
    size = Image.open(images / f"{name}.jpg").size
    Image.new("1", size).convert("L").point([255] * 128 + [0] * 128).save(masks / f"{name}.png")
    mask = Image.open(masks / f"{name}.png")
    mask.putpixel((0, 0), 0)
    mask.save(masks / f"{name}.png")
    name = spoil("two images share this name")
    shutil.copy(images / f"{name}.jpg", images / f"{name}.png")
    name = spoil("mask has mode RGB")
    Image.open(images / f"{name}.jpg").save(masks / f"{name}.png")
    Image.new("1", (20_000, 10_000)).save(images / f"{names[len(told)]}.png")
    (images / f"{spoil('image is above the limit of')}.jpg").unlink()
    return told


def test_every_bad_file_is_named_and_nothing_written(
    raw: Path, spoiled: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert create_tfrecords_pets.main(cli(raw, tmp_path / "set")) == 2
    printed = capsys.readouterr()
    first, *lines = [line for line in printed.err.splitlines() if line.strip()]
    assert first == "10 files cannot be used; correct them or pass --skip-invalid:"
    assert len(lines) == 10
    for line, (name, message) in zip(lines, sorted(spoiled.items()), strict=True):
        assert line.startswith(f"  {name}: {message}")
    assert [path.name for path in (tmp_path / "set").iterdir()] == [".lock"]


def test_skip_invalid_leaves_them_out_and_says_so(
    raw: Path, spoiled: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert create_tfrecords_pets.main(cli(raw, tmp_path / "set", "--skip-invalid")) == 0
    printed = capsys.readouterr().out
    info = json.loads((tmp_path / "set" / "dataset.json").read_text())
    assert sum(info["counts"].values()) == 14
    assert [fault["name"] for fault in info["skipped"]] == sorted(spoiled)
    for name, message in spoiled.items():
        assert f"skipped {name}: {message}" in " ".join(printed.split())


def test_a_failure_leaves_the_set_that_was_there(raw: Path, tmp_path: Path) -> None:
    info = convert(raw, tmp_path / "set")
    before = {path: path.read_bytes() for path in (tmp_path / "set").iterdir()}
    next((raw / "images").iterdir()).write_bytes(b"")
    with pytest.raises(DataError, match="1 files cannot be used"):
        convert(raw, tmp_path / "set")
    assert {path: path.read_bytes() for path in (tmp_path / "set").iterdir()} == before
    assert convert(raw, tmp_path / "set", skip_invalid=True) != info


def test_a_single_image_makes_no_set(tmp_path: Path) -> None:
    for folder, mode, ending in (("images", "RGB", "jpg"), ("trimaps", "L", "png")):
        (tmp_path / folder).mkdir()
        Image.new(mode, (40, 30), 1).save(tmp_path / folder / f"pug_1.{ending}")
    with pytest.raises(DataError, match="No image is left for the val split"):
        convert(tmp_path, tmp_path / "set")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--max-side", "0"], "--max-side is 0; expected at least 1."),
        (["--num-shards", "-1"], "--num-shards is -1; expected at least 1."),
        (["--max-sied", "64"], "Unknown option --max-sied; did you mean --max-side?"),
        (["--max_side=64"], "Unknown option --max_side=64; did you mean --max-side?"),
        (["--sides", "64"], "Unknown option --sides; see --help"),
        (
            ["--runner=DataflowRunner", "--project=p", "--region=r", "--temp_location=gs://b/t"],
            "Workers of DataflowRunner have no copy of this code; pass --sdk_container_image",
        ),
        (["--images", "/none"], "No images in /none"),
        (["--train-list", "/none"], "Give both --train-list and --val-list"),
    ],
)
def test_wrong_arguments(
    raw: Path,
    tmp_path: Path,
    arguments: list[str],
    message: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert create_tfrecords_pets.main(cli(raw, tmp_path / "set", *arguments)) == 2
    printed = capsys.readouterr().err
    assert message in printed and "Traceback" not in printed
    assert not (tmp_path / "set").exists()


def test_neither_folders_nor_download(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert create_tfrecords_pets.main(["--output", str(tmp_path)]) == 2
    assert "Pass --images and --trimaps, or --download" in capsys.readouterr().err


HOSTILE_NAMES = ["a\nb_1", "x\x1b[31m_1", "\u202egnp_1", "x\udcff_1"]


@pytest.mark.parametrize("folders", [["images"], ["trimaps"], ["images", "trimaps"]])
def test_names_that_leave_their_line_or_colour_it(
    raw: Path, tmp_path: Path, folders: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    for folder in folders:
        ending = "jpg" if folder == "images" else "png"
        first = next((raw / folder).iterdir())
        for name in HOSTILE_NAMES:
            shutil.copy(first, raw / folder / f"{name}.{ending}")
    (raw / "images" / "notes.\x1b[31mred\nq").touch()
    assert create_tfrecords_pets.main(cli(raw, tmp_path / "set")) == 2
    _, *lines = capsys.readouterr().err.strip().splitlines()
    shown = [ascii(name)[1:-1] for name in sorted(HOSTILE_NAMES)]
    assert [line.split(":")[0].strip() for line in lines] == sorted(shown)
    assert all(line.isprintable() for line in lines)
    assert create_tfrecords_pets.main(cli(raw, tmp_path / "set", "--skip-invalid")) == 0
    info = read_info(str(tmp_path / "set"))
    assert [fault.name for fault in info.skipped] == sorted(shown)
    assert info.passed_over == {r".\x1b[31mred\nq": 1}
    assert "\x1b" not in capsys.readouterr().out


def test_of_what_is_no_file_and_of_dead_links(
    raw: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names = sorted(path.stem for path in (raw / "images").iterdir())
    for name in names[:4]:
        (raw / "images" / f"{name}.jpg").unlink()
    (raw / "images" / f"{names[0]}.jpg").mkdir()
    (raw / "images" / f"{names[1]}.jpg").symlink_to("nothing")
    (raw / "images" / f"{names[2]}.jpg").symlink_to(f"{names[2]}.jpg")
    os.mkfifo(raw / "images" / f"{names[3]}.jpg")
    assert create_tfrecords_pets.main(cli(raw, tmp_path / "set")) == 2
    _, *lines = capsys.readouterr().err.strip().splitlines()
    assert [line.strip() for line in lines] == [
        f"{names[0]}: mask has no image in {raw}/images",
        f"{names[1]}: cannot be read: No such file or directory",
        f"{names[2]}: cannot be read: Too many levels of symbolic links",
        f"{names[3]}: mask has no image in {raw}/images",
    ]


def in_mode(image: Image.Image, mode: str) -> Image.Image:
    """The same in another mode; one of 16 bits has the values that it had."""
    if mode == "I;16":
        return Image.fromarray(np.asarray(image.convert("L")).astype(np.uint16))
    return image.convert(mode)


@pytest.mark.parametrize("mode", ["RGBA", "CMYK", "I;16", "P", "LA", "1"])
def test_photos_of_every_mode_are_taken_and_masks_of_one_channel(
    raw: Path, tmp_path: Path, mode: str, capsys: pytest.CaptureFixture[str]
) -> None:
    name = min(path.stem for path in (raw / "images").iterdir())
    photo, mask = raw / "images" / f"{name}.jpg", raw / "trimaps" / f"{name}.png"
    in_mode(Image.open(photo), mode).save(photo.with_suffix(".tif"))
    photo.unlink()
    before = convert(raw, tmp_path / "set")
    assert sum(before.counts.values()) == 24
    if mode in ("P", "CMYK"):  # a palette's indices are values, and PNG has no CMYK
        return
    in_mode(Image.open(mask), mode).save(mask)
    assert create_tfrecords_pets.main(cli(raw, tmp_path / "set")) == 2
    [_, line] = capsys.readouterr().err.strip().splitlines()
    told = f"{name}: mask has mode {mode}; expected one channel of 8 bits (L or P)"
    assert line.strip() == told
    assert read_info(str(tmp_path / "set")) == before


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "names no image; expected one name a line"),
        (b"# a comment\n\n  \n", "names no image; expected one name a line"),
        (b",\n;\nimages/\n", "names no image; expected one name a line"),
        (b"\xff\xd8\xff\xe0", "expected a text file"),
        (b"name," + b"a" * 200_000, "field larger than field limit (131072); expected a text file"),
        (b"none_1\x00\n", r"none_1\x00: is in a list but has neither image nor mask"),
        (None, "list: Is a directory; expected a text file"),
    ],
)
def test_lists_that_name_nothing(
    raw: Path,
    tmp_path: Path,
    content: bytes | None,
    message: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = tmp_path / "list"
    if content is None:
        path.mkdir()
    else:
        path.write_bytes(content)
    (tmp_path / "val.txt").write_text("none_2\n")
    lists = ["--train-list", str(path), "--val-list", str(tmp_path / "val.txt")]
    assert create_tfrecords_pets.main(cli(raw, tmp_path / "set", *lists)) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "set").exists()


def test_where_all_are_bad_to_skip_them_is_no_cure(
    raw: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lists = []
    for option, name in (("--train-list", "none_1"), ("--val-list", "none_2")):
        (tmp_path / name).write_text(name)
        lists += [option, str(tmp_path / name)]
    assert create_tfrecords_pets.main(cli(raw, tmp_path / "set", *lists, "--skip-invalid")) == 2
    assert capsys.readouterr().err.strip() == (
        "None of the 2 images can be used, so that --skip-invalid leaves nothing; none_1: is in a "
        "list but has neither image nor mask."
    )


def test_one_folder_for_both(raw: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "same").symlink_to(raw / "trimaps")
    folders = ["--images", str(tmp_path / "same"), "--trimaps", str(raw / "trimaps")]
    assert create_tfrecords_pets.main([*folders, "--output", str(tmp_path / "set")]) == 2
    assert "same is given for images and for masks; put the masks into" in capsys.readouterr().err
