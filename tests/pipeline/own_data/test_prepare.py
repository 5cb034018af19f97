"""From folders of one's own images to shards and a recipe."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from rich.console import Console

from pipeline.__main__ import main
from pipeline.configs import load_settings
from pipeline.own_data.given import OwnData
from pipeline.own_data.prepare import _find_name, prepare
from tfrecords.dataset import read_info


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def photo(file: Path, seed: int, side: int = 60) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 255, (side, side, 3), np.uint8)
    Image.fromarray(pixels).save(file)


@pytest.fixture
def leaves(place: Path) -> OwnData:
    """Ten photos of leaves with masks."""
    for number in range(10):
        photo(place / "My Leaves" / "images" / f"IMG_{number}.jpg", number)
        mask = Image.new("L", (60, 60))
        mask.paste(255, (0, 0, 30, 60))
        (place / "My Leaves" / "masks").mkdir(exist_ok=True)
        mask.save(place / "My Leaves" / "masks" / f"IMG_{number}.png")
    return OwnData(images="My Leaves/images", masks="My Leaves/masks")


@pytest.fixture
def fruit(place: Path) -> OwnData:
    """Ten photos of each of two kinds of fruit."""
    for number in range(20):
        photo(place / "fruit" / ("apple", "pear")[number % 2] / f"{number}.jpg", number)
    return OwnData(folders="fruit")


def test_photos_and_masks(leaves: OwnData, place: Path) -> None:
    console = Console(record=True, width=120)
    assert prepare(leaves, console) == Path("my-leaves.toml")
    recipe = load_settings("none", recipe="my-leaves.toml").load_recipe()
    assert (recipe.name, recipe.task) == ("my-leaves", "segmentation")
    assert recipe.class_names == ("background", "object")
    assert (recipe.image_size, recipe.epochs, recipe.model) == (96, 40, "unet")
    assert recipe.gate.limits == {} and "# " in (place / "my-leaves.toml").read_text()
    info = read_info(str(place / "data" / "my-leaves"))
    assert info.counts == {"train": 8, "val": 2} and info.class_names == recipe.class_names
    told = console.export_text()
    assert "the images have about 60 px" in told and "IMG" not in told
    # Again: what is there stays, also where somebody has changed it.
    changed = (place / "my-leaves.toml").read_text().replace("epochs = 40", "epochs = 3")
    (place / "my-leaves.toml").write_text(changed)
    prepare(leaves, console)
    assert load_settings("none", recipe="my-leaves.toml").load_recipe().epochs == 3
    assert "is there already, and says what is trained" in console.export_text()


def test_class_folders(fruit: OwnData, place: Path) -> None:
    prepare(fruit, Console(quiet=True))
    recipe = load_settings("none", recipe="fruit.toml").load_recipe()
    assert (recipe.task, recipe.class_names) == ("classification", ("apple", "pear"))
    assert recipe.model == "classifier" and recipe.encoder_weights == "imagenet"
    assert read_info(str(place / "data" / "fruit")).counts == {"train": 16, "val": 4}


def test_classes_by_name(leaves: OwnData) -> None:
    named = OwnData(leaves.folders, leaves.images, leaves.masks, "soil,leaf", "mine")
    assert prepare(named, Console(quiet=True)) == Path("mine.toml")
    assert load_settings("none", recipe="mine.toml").load_recipe().class_names == ("soil", "leaf")


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (OwnData(images="a"), "--images and --masks go together"),
        (OwnData(folders="a", images="b", masks="c"), "Give either --folders"),
        (OwnData(name="a"), "Give either --folders"),
        (OwnData(folders="fruit", classes="a,b"), "class folders have names of their own"),
        (OwnData(folders="fruit", name="pets"), "--name pets is a recipe of this project"),
        (OwnData(folders="fruit", name="My Fruit"), "is no recipe's name"),
        (OwnData(folders="none"), "none"),
    ],
)
def test_what_does_not_go(fruit: OwnData, place: Path, data: OwnData, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        prepare(data, Console(quiet=True))
    assert not list(place.glob("*.toml")) and not (place / "data").exists()


def test_a_bad_file_is_named_and_nothing_is_written(leaves: OwnData, place: Path) -> None:
    (place / "My Leaves" / "images" / "IMG_3.jpg").write_bytes(b"no photo")
    with pytest.raises(ValueError, match="IMG_3"):
        prepare(leaves, Console(quiet=True))
    assert not list(place.glob("*.toml")) and not list(place.rglob("*.tfrecord*"))


@pytest.mark.parametrize("name", ["recipe", "data_root", "data_version"])
def test_another_source_and_own_images_do_not_go_together(
    fruit: OwnData, name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    if name == "recipe":
        flags = ["--recipe", "pets"]
    else:
        flags = []
        monkeypatch.setenv(name.upper(), "lakefs://repository/main/data")
    assert main(["train", "--folders", "fruit", *flags]) == 2
    assert "images of your own do not go together" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("folder", "name"),
    [
        ("photos/train", "own"),
        ("Ölbäume 2", "lb-ume-2"),
        ("2024", "own-2024"),
        ("pets", "own-pets"),
        ("birds.tar.gz", "birds"),
    ],
)
def test_a_name_of_a_folder(place: Path, folder: str, name: str) -> None:
    (place / "own").mkdir()
    assert _find_name(str(place / "own" / folder)) == name
