"""Data that were made for another recipe or for other classes."""

from pathlib import Path

import pytest

from pipeline.checks.dataset import check_dataset
from pipeline.configs import load_settings
from tfrecords.dataset import DatasetInfo
from tfrecords.errors import DataError

SCENES, PHOTOS, MASKS = (
    f"tfrecords.{name}" for name in ("synthetic", "create_tfrecords_pets", "sources.masks")
)


def check(folder: Path, recipe: str, generator: str, class_names: list[str] | None = None) -> str:
    """With a description as this version writes it, or of one without class names."""
    names = {} if class_names is None else {"class_names": class_names}
    info = DatasetInfo(
        source="",
        licence="",
        max_side=256,
        parameters={"generator": generator},
        shards={},
        counts={},
        breeds={},
        record_bytes=0,
        digest="",
        **names,
    )
    written = info.model_dump_json(exclude_unset=True)
    (folder / "dataset.json").write_text(written)
    settings = load_settings(env_file="none", recipe=recipe, data_root=str(folder))
    return check_dataset(settings, settings.load_recipe())


def leaves(folder: Path, *names: str) -> str:
    """The path of a recipe of one's own of some classes."""
    file = folder / "leaves.toml"
    file.write_text(
        f'base = "pets"\nname = "leaves"\nclass_names = {list(names)}\n'
        f"palette = {[[index, 0, 0] for index, _ in enumerate(names)]}\n"
        "[gate]\nmax_drop = 0.02\nlimits = { mean_iou = 0.3 }\n"
    )
    return str(file)


@pytest.mark.parametrize(
    ("generator", "recipe"), [(SCENES, "scenes"), (PHOTOS, "pets"), (MASKS, "pets")]
)
def test_what_was_made_for_the_recipe_or_for_any_fits(
    tmp_path: Path, generator: str, recipe: str
) -> None:
    assert check(tmp_path, recipe, generator) == f"recipe {recipe} fits the data"


@pytest.mark.parametrize(
    ("generator", "recipe", "other"), [(SCENES, "pets", "scenes"), (PHOTOS, "scenes", "pets")]
)
def test_what_was_made_for_another_recipe_is_told(
    tmp_path: Path, generator: str, recipe: str, other: str
) -> None:
    with pytest.raises(DataError) as refused:
        check(tmp_path, recipe, generator)
    assert str(refused.value) == (
        f"DATA_ROOT={tmp_path} holds data for recipe {other}, not for {recipe}: set "
        f"RECIPE={other}, or DATA_ROOT to other data."
    )


@pytest.mark.parametrize("generator", [SCENES, PHOTOS])
def test_a_recipe_of_ones_own_takes_any_data_and_may_name_their_classes(
    tmp_path: Path, generator: str
) -> None:
    trimaps = ["pet", "background", "border"]
    for names in (trimaps, ["leaf", "soil", "rim"]):
        recipe = leaves(tmp_path, *names)
        assert check(tmp_path, recipe, generator, trimaps) == "recipe leaves fits the data"
        assert check(tmp_path, recipe, generator) == "recipe leaves fits the data"


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        (["leaf", "background"], ["background", "leaf"]),
        (["leaf", "background"], ["leaf", "soil"]),
        (["leaf", "background"], ["leaf", "background", "rim"]),
        (["pet", "background", "border"], ["background", "pet", "border"]),
        (["pet", "background", "border"], ["pet", "background"]),
    ],
)
def test_other_classes_are_told(tmp_path: Path, given: list[str], wanted: list[str]) -> None:
    recipe = leaves(tmp_path, *wanted)
    with pytest.raises(DataError) as refused:
        check(tmp_path, recipe, MASKS, given)
    assert str(refused.value) == (
        f"DATA_ROOT={tmp_path} has the classes {', '.join(given)}, and recipe leaves the "
        f"class_names {', '.join(wanted)}: correct the recipe, or set DATA_ROOT to other data."
    )


def test_shards_without_a_description_are_enough(tmp_path: Path) -> None:
    settings = load_settings(env_file="none", data_root=str(tmp_path))
    said = "recipe scenes; no dataset.json says what the data were made for"
    assert check_dataset(settings, settings.load_recipe()) == said
    (tmp_path / "dataset.json").write_text('{"mine": 1}')
    assert check_dataset(settings, settings.load_recipe()) == said
