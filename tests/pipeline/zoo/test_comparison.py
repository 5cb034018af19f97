"""`visionpipe zoo`: networks that are trained for as long, their average, and one that fails."""

import json
from pathlib import Path

import pytest
import tensorflow as tf

from models.provenance import read_provenance
from pipeline.__main__ import main
from pipeline.recipes import load_recipe
from pipeline.runs.history import load_run
from pipeline.zoo.networks import check_run
from tests.conftest import Walk
from tests.small_runs import SMOKE
from tracking import names
from tracking.journal import waiting_journals

# Nobody listens there: what is recorded waits on disk.
MLFLOW = {"MLFLOW_TRACKING_URI": "http://127.0.0.1:9"}


def test_networks_are_trained_on_the_images_of_the_newest_run(walk: Walk, tmp_path: Path) -> None:
    recipe, weights = tmp_path / "compared.toml", tmp_path / "no.weights.h5"
    weights.write_text("no weights")
    broken = f'{{ model = "unet", encoder_weights = "{weights}" }}'
    networks = f"zoo = [{broken}, {{ learning_rate = 0.01 }}, {{ learning_rate = 0.002 }}]"
    smoke = Path(str(SMOKE["RECIPE"])).read_text()
    recipe.write_text(smoke.replace("\n[gate]", f"\n{networks}\n\n[gate]"))
    done = walk.workplace.run("visionpipe zoo --seconds 1 --json", RECIPE=recipe, **MLFLOW)
    assert done.returncode == 0, done.stderr
    assert "Training 2 of 3: unet_light, 1 s of processor time." in done.stderr
    told = json.loads(done.stdout)
    *judged, failed = told["networks"]
    assert told["metric"] == "mean_iou"
    assert failed["name"].startswith("unet, ") and str(weights) in failed["failure"]
    assert sorted(network["name"] for network in judged) == [
        "average of the best 2",
        "unet_light",
        "unet_light",
    ]
    for network in judged:
        assert 0 < network["low"] <= network["value"] <= network["high"] < 1
        assert network["value"] == network["figures"]["mean_iou"]
        assert min(network[name] for name in ("parameters", "megabytes", "milliseconds")) > 0
    [average] = [network for network in judged if network["name"].startswith("average")]
    members = [network for network in judged if network is not average]
    for name in ("steps", "parameters"):
        assert average[name] == sum(member[name] for member in members) > 0

    model = Path(told["average"])
    assert model.parent == walk.workplace.pipeline_root / "zoo"
    assert len(read_provenance(str(model)).training["members"]) == 2
    assert set(tf.saved_model.load(str(model)).signatures) == {
        "serving_default",
        "from_examples",
        "transform_features",
        "network",
    }

    journals = [
        list(journal.events()) for journal in waiting_journals(walk.workplace.pipeline_root)
    ]
    ends, epochs, tags = [], 0, []
    for events in journals:
        [(opened, _), *_] = events
        assert names.RECIPE not in opened["tags"]
        assert opened["tags"][names.COMPARISON] == model.name
        ends.append(next(event["status"] for event, _ in events if event["kind"] == "close"))
        epochs += any(
            name == "val_mean_iou" for event, _ in events for name, *_ in event.get("metrics", [])
        )
        tags += [event["tags"] for event, _ in events if event["kind"] == "tags"]
    assert (sorted(ends), epochs) == (["FAILED", *["FINISHED"] * 3], 2)
    assert [told[names.MODEL_URI] for told in tags if names.MODEL_URI in told] == [str(model)]
    assert failed["failure"] in [told.get(names.DESCRIPTION) for told in tags]


def test_images_of_another_size_are_told_of(walk: Walk) -> None:
    run = load_run(walk.workplace.pipeline_root / "metadata.sqlite")
    recipe = load_recipe(str(SMOKE["RECIPE"]))
    check_run(run, recipe)
    with pytest.raises(ValueError, match="made images of 32 px for segmentation, and 64 px"):
        check_run(run, recipe.with_overrides({"image_size": 64}))


def test_a_length_is_said_once() -> None:
    assert main(["zoo", "--seconds", "5", "--steps", "5"]) == 2
