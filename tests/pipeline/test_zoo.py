"""`visionpipe zoo`: networks that are trained for as many steps, and ranked."""

import dataclasses
import json
import math
from pathlib import Path

import numpy as np
import pytest

from pipeline.recipes import load_recipe
from pipeline.zoo import Compared, find_interval, list_configs, rank, tell_name
from tests.conftest import Walk
from tests.small_runs import SMOKE

ONE = Compared("cnn", 10, 1.0, 0.9, 0.8, 1.0, 1000, 1.0, 5.0, {})


def test_a_network_is_trained_on_the_images_of_the_newest_run(walk: Walk, tmp_path: Path) -> None:
    recipe = tmp_path / "compared.toml"
    smoke = Path(str(SMOKE["RECIPE"])).read_text()
    recipe.write_text(smoke.replace("\n[gate]", "\nzoo = [{ learning_rate = 0.01 }]\n\n[gate]"))
    done = walk.workplace.run("visionpipe zoo --steps 4 --json", RECIPE=recipe)
    assert done.returncode == 0, done.stderr
    assert "Training 1 of 1: unet_light, 2 epochs." in done.stderr
    told = json.loads(done.stdout)
    [network] = told["networks"]
    assert (told["metric"], network["name"], network["steps"]) == ("mean_iou", "unet_light", 6)
    assert 0 < network["low"] <= network["value"] <= network["high"] < 1
    assert network["value"] == network["figures"]["mean_iou"]
    assert min(network[name] for name in ("parameters", "megabytes", "milliseconds")) > 0
    refused = walk.workplace.run("visionpipe zoo --image-size 64", RECIPE=recipe)
    assert refused.returncode == 2
    assert "made images of 32 px for segmentation, and 64 px" in refused.stderr


def test_every_network_of_tires_takes_as_many_steps() -> None:
    configs = list_configs(load_recipe("tires"), num_train=2000, steps=100)
    names = [tell_name(config) for config in configs]
    assert names[0] == "classifier on efficientnet_lite0, imagenet"
    assert names[-2:] == ["tiny_vgg", "cnn"] and len(set(names)) == 8
    assert {config.epochs for config in configs} == {2}  # of 62 steps


def test_networks_that_cannot_be_built_are_told_of_together() -> None:
    recipe = load_recipe("tires").model_copy(update={"image_size": 100})
    with pytest.raises(ValueError, match="does not fit classifier(.|\n)*does not fit cnn"):
        list_configs(recipe, 2000, 100)
    with pytest.raises(ValueError, match="Recipe pets names no networks to compare"):
        list_configs(load_recipe("pets"), 2000, 100)


def test_the_best_comes_first_and_of_equals_the_smaller() -> None:
    large, better, unjudged = (
        dataclasses.replace(ONE, name=name, **changes)
        for name, changes in (
            ("large", {"megabytes": 2.0}),
            ("better", {"value": 0.95}),
            ("unjudged", {"value": math.nan}),
        )
    )
    given = [unjudged, large, ONE, better]
    assert [one.name for one in rank(given, 1)] == ["better", "cnn", "large", "unjudged"]
    assert [one.name for one in rank(given, -1)] == ["cnn", "large", "better", "unjudged"]


def test_the_interval_of_a_share_is_that_of_the_binomial() -> None:
    hits = [{"hits": np.array(float(number < 90))} for number in range(100)]
    low, high = find_interval(hits, lambda sums: float(sums["hits"]) / 100)
    assert (low, high) == pytest.approx((0.84, 0.95), abs=0.015)
    assert find_interval(hits, lambda sums: float(sums["hits"]) / 100) == (low, high)
