"""Which networks are compared, and how long each is trained."""

import pytest

from models.config import MOST_EPOCHS
from pipeline.recipes import load_recipe
from pipeline.zoo.networks import list_configs, tell_length, tell_name


def test_every_network_of_tires_takes_as_long() -> None:
    configs = list_configs(load_recipe("tires"), num_train=2000, seconds=300, steps=None)
    names = [tell_name(config) for config in configs]
    assert names[0] == "classifier on efficientnet_lite0, imagenet"
    assert names[-2:] == ["tiny_vgg", "cnn"] and len(set(names)) == 8
    assert {config.processor_seconds for config in configs} == {300}
    assert {config.epochs for config in configs} == {MOST_EPOCHS}
    assert {tell_length(config) for config in configs} == {"300 s of processor time"}


def test_or_as_many_steps() -> None:
    configs = list_configs(load_recipe("tires"), num_train=2000, seconds=300, steps=100)
    assert {config.epochs for config in configs} == {2}  # of 62 steps
    assert {config.processor_seconds for config in configs} == {None}
    assert {tell_length(config) for config in configs} == {"2 epochs"}


def test_networks_that_cannot_be_built_are_told_of_together() -> None:
    recipe = load_recipe("tires").model_copy(update={"image_size": 100})
    with pytest.raises(ValueError, match="does not fit classifier(.|\n)*does not fit cnn"):
        list_configs(recipe, 2000, 300, None)
    with pytest.raises(ValueError, match="Recipe pets names no networks to compare"):
        list_configs(load_recipe("pets"), 2000, 300, None)
