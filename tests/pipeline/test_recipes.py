"""Recipes in TOML files."""

from pathlib import Path

import pytest

from pipeline.recipes import load_recipe
from tests.small_runs import SMOKE


def test_all_other_fields_are_inherited_from_the_base() -> None:
    smoke, pets = load_recipe(str(SMOKE["RECIPE"])), load_recipe("pets")
    assert (smoke.name, smoke.image_size, smoke.gate.min_mean_iou) == ("smoke", 32, 0)
    assert (smoke.class_names, smoke.search_space) == (pets.class_names, pets.search_space)
    assert smoke.schema_file == pets.schema_file


def test_a_recipe_has_a_pipeline_of_its_own(tmp_path: Path) -> None:
    file = tmp_path / "leaves.toml"
    file.write_text('base = "pets"\nname = "oak_leaves"\n')
    assert load_recipe(str(file)).name_pipeline() == "oak-leaves-training-pipeline"
    assert load_recipe("pets").name_pipeline() == "segformer-training-pipeline"


def test_a_schema_lies_beside_the_file(tmp_path: Path) -> None:
    file = tmp_path / "leaves.toml"
    file.write_text('base = "pets"\nschema_file = "leaves.pbtxt"\n')
    assert load_recipe(str(file)).schema_file == tmp_path / "leaves.pbtxt"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"name = \n", "is no recipe: Invalid value (at line 1, column 8)"),
        (b'name = "\xff"\n', "is no recipe: 'utf-8' codec can't decode"),
        (b'base = "pet"\n', "is no recipe: base=pet is unknown; known are pets. Did you mean pets"),
        (b'base = "pets"\nmodl = 1\n', "is no recipe: modl: Extra inputs are not permitted."),
        (b'base = "pets"\nepochs = "x"\n', "is no recipe: epochs: Input should be a valid integer"),
        (b'base = "pets"\nname = "Oak leaves"\n', "is no recipe: name: String should match"),
        (b'base = "pets"\nignore_label = 2\n', "ignore_label=2 is the id of a class"),
        (b'name = "leaves"\n', "class_names: Field required"),
        (None, "cannot be read: No such file or directory."),
    ],
)
def test_a_file_that_is_no_recipe(tmp_path: Path, content: bytes | None, reason: str) -> None:
    file = tmp_path / "recipe.toml"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(ValueError) as caught:
        load_recipe(str(file))
    message = str(caught.value)
    assert message.startswith(f"RECIPE={file} ") and reason in message
    assert "\n" not in message
