"""Raw images become shards as a recipe's table [convert] says."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pipeline.recipes import load_recipe
from tfrecords.conversion import Conversion
from tfrecords.dataset import read_info
from tfrecords.errors import DataError


def draw(path: Path, values: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(values.astype(np.uint8)).save(path)


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    """Photos of noise, with masks of two classes, and the same in folders of classes."""
    noise = np.random.default_rng(0)
    folder = tmp_path / "raw"
    for number in range(12):
        photo = noise.integers(0, 256, (24, 24, 3))
        draw(folder / "images" / f"oak_{number}.png", photo)
        draw(folder / "masks" / f"oak_{number}.png", noise.integers(0, 2, (24, 24)))
        draw(folder / "classes" / ("a", "b")[number % 2] / f"{number}.png", photo)
    return folder


def test_masks_of_classes(raw: Path, tmp_path: Path) -> None:
    Conversion(converter="masks", classes="leaf,ground").run(str(raw), str(tmp_path / "out"))
    info = read_info(str(tmp_path / "out"))
    assert (info.class_names, sum(info.counts.values())) == (("leaf", "ground"), 12)


def test_class_folders(raw: Path, tmp_path: Path) -> None:
    conversion = Conversion(converter="class_folders", images="classes", val_share=0.5)
    conversion.run(str(raw), str(tmp_path / "out"))
    info = read_info(str(tmp_path / "out"))
    assert (info.class_names, info.counts["val"]) == (("a", "b"), 6)


def test_a_folder_that_the_data_have_not(raw: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="have no folder photos, in which the recipe's table"):
        Conversion(converter="pets", images="photos").run(str(raw), str(tmp_path / "out"))


@pytest.mark.parametrize("folder", ["/etc", "../other"])
def test_a_folder_outside_the_data(folder: str) -> None:
    with pytest.raises(ValueError, match="expected a folder within the data"):
        Conversion(converter="pets", images=folder)


def test_recipes_convert_as_their_classes_ask(tmp_path: Path) -> None:
    for name in ("pets", "scenes"):
        convert = load_recipe(name).convert
        assert convert and convert.converter == "pets"
    tires = load_recipe("tires")
    assert tires.convert and tires.convert.class_names == ",".join(tires.class_names)
    own = tmp_path / "own.toml"
    own.write_text(
        'base = "pets"\nname = "own"\nclass_names = ["a", "b"]\n'
        'palette = [[0, 0, 0], [1, 1, 1]]\nslices = ["breed"]\n'
        "[gate]\nmax_drop = 0.1\n"
    )
    assert load_recipe(str(own)).convert is None
    other = Conversion(converter="masks", classes="a,b")
    assert other.digest != Conversion(converter="masks", classes="b,a").digest
