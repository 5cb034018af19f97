"""The command from folders of photos and masks to shards and a recipe."""

import io
import re
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from pipeline.recipes import load_recipe
from tests.pages import blocks
from tfrecords.dataset import read_info
from tfrecords.shards import read_records
from tfrecords.sources.class_table import read_classes
from tfrecords.sources.masks import main
from tfrecords.sources.recipe_file import recipe_text


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    """Ten photos with black and white masks, whose upper half is grey 128 in one of them."""
    for folder in ("images", "masks"):
        (tmp_path / folder).mkdir()
    rng = np.random.default_rng(0)
    for number in range(10):
        name = f"oak_{number}"
        photo = Image.fromarray(rng.integers(0, 256, (30, 40, 3), np.uint8))
        photo.save(tmp_path / "images" / f"{name}.jpg")
        mask = np.where(np.arange(40) < 20, 0, 255) * np.ones((30, 1))
        if number == 3:
            mask[:15] = 128
        Image.fromarray(mask.astype(np.uint8)).save(tmp_path / "masks" / f"{name}.png")
    return tmp_path


def convert(raw: Path, *options: str) -> int:
    folders = [f"--{name}={raw / name}" for name in ("images", "masks")]
    return main([*folders, f"--output={raw / 'set'}", "--classes=background,leaf", *options])


def masks(folder: Path) -> dict[str, np.ndarray]:
    """The masks of a set by their names."""
    found = {}
    for path in folder.glob("*.tfrecord"):
        for record in read_records(str(path)):
            features = tf.train.Example.FromString(record).features.feature
            label = features["label"].bytes_list.value[0]
            name = features["name"].bytes_list.value[0].decode()
            found[name] = np.asarray(Image.open(io.BytesIO(label)))
    return found


def test_every_image_is_in_the_set_with_its_class_ids(raw: Path) -> None:
    recipe = raw / "leaves.toml"
    assert convert(raw, "--ignore=128", f"--recipe={recipe}", "--num-shards=2") == 0
    found = masks(raw / "set")
    assert sorted(found) == [f"oak_{number}" for number in range(10)]
    assert {tuple(np.unique(mask)) for name, mask in found.items() if name != "oak_3"} == {(0, 1)}
    assert (found["oak_3"][:15] == 255).all() and (found["oak_3"][15:] < 2).all()
    info = read_info(str(raw / "set"))
    assert info.class_names == ("background", "leaf")
    assert info.parameters["generator"] == "tfrecords.sources.masks"
    assert info.parameters["classes"] == {
        "0": "background",
        "1": "leaf",
        "255": "leaf",
        "128": "none",
    }
    loaded = load_recipe(str(recipe))
    assert (loaded.class_names, loaded.ignore_label) == (("background", "leaf"), 255)
    assert loaded.gate.slice_limit is None


def test_a_value_that_is_no_class_names_its_file_and_writes_nothing(
    raw: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert convert(raw, f"--recipe={raw / 'leaves.toml'}") == 2
    said = capsys.readouterr().err
    assert "oak_3: mask holds 128, in 600 pixels; expected 0 (background), 1 (leaf)" in said
    assert not list((raw / "set").glob("*.tfrecord"))
    assert not (raw / "leaves.toml").exists()
    assert convert(raw, "--skip-invalid") == 0
    assert [fault.name for fault in read_info(str(raw / "set")).skipped] == ["oak_3"]


def test_beam_makes_the_same_set(raw: Path) -> None:
    digests = []
    for options in ((), ("--runner=DirectRunner",)):
        assert convert(raw, "--ignore=128", *options) == 0
        digests.append(read_info(str(raw / "set")).digest)
    assert digests[0] == digests[1]


def test_a_recipe_that_is_there_stays(raw: Path, capsys: pytest.CaptureFixture[str]) -> None:
    recipe = raw / "leaves.toml"
    recipe.write_text("mine")
    assert convert(raw, "--ignore=128", f"--recipe={recipe}") == 0
    assert recipe.read_text() == "mine"
    assert "there already, and stays as it is" in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("Leaves.toml", "is no recipe's name"),
        ("leaves.txt", "is no recipe's name"),
        ("nowhere/leaves.toml", "lies in no folder"),
    ],
)
def test_a_path_that_fits_no_recipe_is_told_at_once(
    raw: Path, capsys: pytest.CaptureFixture[str], path: str, reason: str
) -> None:
    assert convert(raw, f"--recipe={raw / path}") == 2
    assert reason in capsys.readouterr().err
    assert not (raw / "set").exists()


@pytest.mark.parametrize("option", ["recipe=/proc/leaves.toml", "output=/proc/leaves"])
def test_a_path_that_the_system_refuses_is_told(
    raw: Path, capsys: pytest.CaptureFixture[str], option: str
) -> None:
    assert convert(raw, "--ignore=128", f"--{option}") == 2
    assert re.search("/proc.* cannot be (read or )?written", capsys.readouterr().err)


def test_the_page_shows_the_recipe_that_is_written() -> None:
    [shown] = blocks("docs/own-data.md", "toml")
    assert recipe_text("leaves", read_classes("leaf,background")) == shown.text


def test_a_recipe_holds_any_name(tmp_path: Path) -> None:
    names = ('leaf "green"', "Blätter", "a\\b")
    file = tmp_path / "leaves.toml"
    file.write_text(recipe_text("leaves", read_classes(",".join(names))), encoding="utf-8")
    recipe = load_recipe(str(file))
    assert (recipe.name, recipe.class_names, recipe.ignore_label) == ("leaves", names, None)
    assert recipe.gate.limits == {"mean_iou": 0.3}
