import pytest
from pydantic import TypeAdapter, ValidationError

from models.config import TrainingConfig
from models.hyperparameters import (
    SEARCH_SPACE,
    Choice,
    Range,
    SearchSpace,
    apply_hyperparameters,
    check_space,
)


def tuned(**values: object) -> dict[str, object]:
    """Values as a file of recipe `drawn` holds them."""
    return {"space": [], "values": {"recipe": "drawn", **values}}


def test_tuned_values_take_the_place_of_the_recipes(config: TrainingConfig) -> None:
    applied = apply_hyperparameters(config, tuned(learning_rate=0.25, batch_size=2))
    assert applied == config.model_copy(update={"learning_rate": 0.25, "batch_size": 2})


def test_none_changes_nothing(config: TrainingConfig) -> None:
    assert apply_hyperparameters(config, None) == config


@pytest.mark.parametrize(
    ("hyperparameters", "message"),
    [
        ({}, "name no recipe"),
        ({"values": [1]}, "name no recipe"),
        ({"values": {"learning_rate": 0.1}}, "name no recipe"),
        ({"values": {"recipe": "tires"}}, "of recipe tires, not of drawn"),
        (tuned(dropout=0.1), "dropout is no hyperparameter of recipe drawn"),
        (tuned(image_size=96), "image_size is no hyperparameter"),
        (tuned(class_names=["a"]), "class_names is no hyperparameter"),
        (tuned(learning_rate=-1.0), "learning_rate=-1.0: Input should be greater than 0"),
        (tuned(learning_rate="0.1"), "learning_rate='0.1': Input should be a valid number"),
        (tuned(learning_rate=[0.1]), "learning_rate=.*: Input should be a valid number"),
        (tuned(batch_size=4.5), "batch_size=4.5: Input should be a valid integer"),
    ],
)
def test_what_does_not_fit_is_refused_in_a_sentence(
    config: TrainingConfig, hyperparameters: dict, message: str
) -> None:
    with pytest.raises(ValueError, match=message) as caught:
        apply_hyperparameters(config, hyperparameters)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("space", "message"),
    [
        ({"momentum": Range(low=0, high=1)}, "momentum is no hyperparameter"),
        ({"image_size": Choice(values=(32, 64))}, "image_size is no hyperparameter"),
        ({"learning_rate": Range(low=-1, high=1)}, "learning_rate=-1.0: .* greater than 0"),
        ({"batch_size": Range(low=1.5, high=9)}, "batch_size=1.5: .* valid integer"),
        ({"batch_size": Choice(values=(8, 16))}, "batch_size=4 lies outside"),
        ({"learning_rate": Range(low=1e-5, high=1e-4)}, "learning_rate=0.002 lies outside"),
    ],
)
def test_a_space_that_does_not_fit_the_configuration_is_refused(
    config: TrainingConfig, space: SearchSpace, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        check_space(space, config)


@pytest.mark.parametrize(
    "values",
    [
        {"low": 2, "high": 1},
        {"low": 0, "high": 1, "scale": "log"},
        {"low": 1, "high": 2, "scale": "quadratic"},
        {"values": []},
        {"values": [1, "a"]},
    ],
)
def test_no_range_and_no_choice(values: dict) -> None:
    with pytest.raises(ValidationError):
        SEARCH_SPACE.validate_python({"learning_rate": values})


def test_a_space_travels_as_json() -> None:
    space: SearchSpace = {
        "learning_rate": Range(low=1e-4, high=1e-2, scale="log"),
        "batch_size": Choice(values=(4, 8)),
        "model": Choice(values=("unet", "other")),
    }
    assert SEARCH_SPACE.validate_json(TypeAdapter(dict).dump_json(space)) == space
