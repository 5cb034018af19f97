"""Recipes by name and in TOML files."""

from pathlib import Path

import pytest

from models.registry import known_models
from pipeline import recipes
from pipeline.recipes import known_recipes, load_recipe
from tests.small_runs import SMOKE


def test_all_other_fields_are_inherited_from_the_base() -> None:
    smoke, scenes = load_recipe(str(SMOKE["RECIPE"])), load_recipe("scenes")
    assert (smoke.name, smoke.image_size, smoke.gate.limits) == ("smoke", 32, {"mean_iou": 0})
    assert (smoke.class_names, smoke.search_space) == (scenes.class_names, scenes.search_space)


def test_a_recipe_has_a_pipeline_of_its_own(tmp_path: Path) -> None:
    file = tmp_path / "leaves.toml"
    file.write_text('base = "pets"\nname = "oak_leaves"\n')
    assert load_recipe(str(file)).name_pipeline() == "oak-leaves-training-pipeline"
    for name in ("pets", "scenes"):
        assert load_recipe(name).name_pipeline() == "segformer-training-pipeline"


@pytest.mark.parametrize(
    ("gate", "changed"),
    [
        ("max_drop = 0.5", {"max_drop": 0.5}),
        ("limits = { mean_iou = 0.1 }", {"limits": {"mean_iou": 0.1}, "slice_limit": None}),
        ("edge = { max_drop = 0.5 }", {"edge": {"max_drop": 0.5, "max_size": 0.35}}),
        (
            "limits = { mean_iou = 0.1 }\nslice_limit = { limit = 0.2, min_examples = 9 }",
            {
                "limits": {"mean_iou": 0.1},
                "slice_limit": {"limit": 0.2, "min_examples": 9},
            },
        ),
    ],
)
def test_a_part_of_a_gate_is_given_and_the_rest_inherited(
    tmp_path: Path, gate: str, changed: dict[str, object]
) -> None:
    file = tmp_path / "leaves.toml"
    file.write_text(f'base = "pets"\nname = "leaves"\n[gate]\n{gate}\n')
    assert (
        load_recipe(str(file)).gate.model_dump() == load_recipe("pets").gate.model_dump() | changed
    )


def test_photos_and_scenes_differ_in_the_training_alone() -> None:
    pets, scenes = load_recipe("pets"), load_recipe("scenes")
    shared = {"task", "class_names", "palette", "slices", "gate", "search_space", "pipeline_name"}
    assert pets.model_dump(include=shared) == scenes.model_dump(include=shared)
    assert (pets.encoder_weights, scenes.encoder_weights) == ("imagenet", "none")
    assert scenes.with_overrides({"model": "unet_light"}).epochs == 60


def test_another_model_stands_on_its_own_encoder(tmp_path: Path) -> None:
    pets = load_recipe("pets")
    for model in known_models("segmentation"):
        recipe = pets.with_overrides({"model": model})
        pretrained = ("efficientnet_lite0", "imagenet") if model == "unet" else (None, "none")
        assert (recipe.encoder, recipe.encoder_weights) == pretrained
    file = tmp_path / "leaves.toml"
    file.write_text('base = "pets"\nname = "leaves"\nmodel = "unet_light"\n')
    assert load_recipe(str(file)).encoder_weights == "none"
    file.write_text('base = "pets"\nname = "leaves"\nepochs = 3\n')
    assert load_recipe(str(file)).encoder_weights == "imagenet"


def test_a_recipe_may_be_a_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "cats.py").write_text(
        "from pipeline.recipes import load_recipe\n"
        'RECIPE = load_recipe("pets").model_copy(update={"name": "cats"})\n'
    )
    (tmp_path / "pets.toml").write_text(Path(recipes.__path__[0], "pets.toml").read_text())
    monkeypatch.setattr(recipes, "_FOLDER", tmp_path)
    monkeypatch.setattr(recipes, "__path__", [str(tmp_path)])
    assert known_recipes() == ["cats", "pets"]
    assert load_recipe("cats").name == "cats"
    (tmp_path / "black.toml").write_text('base = "cats"\nname = "black-cats"\n')
    assert load_recipe("black").model == "unet"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"name = \n", "is no recipe: Invalid value (at line 1, column 8)."),
        (b'name = "\xff"\n', "is no recipe: 'utf-8' codec can't decode"),
        (
            b'base = "pet"\n',
            "base=pet is unknown; known are cifar10, pets, scenes, tires. Did you mean pets?",
        ),
        (b'base = "pets"\nmodl = 1\n', "recipe: line 2: modl is unknown, did you mean model?"),
        (b'base = "pets"\n\nepochs = "x"\n', "line 3: epochs: Input should be a valid integer"),
        (b'base = "pets"\ngate = 1\n', "line 2: gate: Input should be a valid dictionary"),
        (b'base = "pets"\ngate.edge = 1\n', "line 2: gate.edge: Input should be a valid dict"),
        (b'base = "pets"\nepochs = 0\n', "line 2: epochs: Input should be greater than 0."),
        (b'base = "pets"\nname = "Oak leaves"\n', "line 2: name: String should match"),
        (b'base = "pets"\nignore_label = 2\n', "line 2: ignore_label=2 is the id of a class"),
        (b'base = "pets"\nschema_file = "a"\n', "line 2: schema_file is unknown"),
        (b'base = "pets"\nclass_names = ["a"]\n', "line 2: class_names has 1 names and palette 3 "),
        (
            b'base = "pets"\ntask = "classifying"\n',
            "line 2: task=classifying is unknown; known are",
        ),
        (
            b'base = "pets"\n[gate]\nmax_drop = 0\nlimits = { iou_tail = 0.3 }\n',
            "line 2: gate.limits=iou_tail is unknown; known are mean_iou, boundary_iou, ",
        ),
        (b'name = "leaves"\n', "is no recipe: gate is missing; model is missing; "),
        (
            b'base = "pets"\npalette = [\n  [1, 2, 3],\n  [1, 2, "x"],\n]\n[gate]\nmax_drp = 1\n',
            "line 2: palette.1.2: Input should be a valid integer, unable to parse string as an "
            "integer; line 7: gate.max_drp is unknown, did you mean max_drop?",
        ),
        (
            b'base = "pets"\ngate.slice_limit.min_example = 1\n',
            "line 2: gate.slice_limit.min_example is unknown, did you mean min_examples?",
        ),
        (
            b'base = "pets"\n[search_space]\nepochs = { low = 3, high = 2 }\n',
            "is no recipe: line 3: search_space.epochs.range: 3.0 to 2.0 is no linear range.",
        ),
        (
            b'base = "pets"\n[search_space]\nepochs = { values = [] }\n',
            "line 3: search_space.epochs.choice.values: Value should have at least 1 item",
        ),
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
    assert message[-1] in ".?" and message[-2] not in ".?"
    assert "\n" not in message
