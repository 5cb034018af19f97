"""`visionpipe infer`: from the id of a run, on a machine that has nothing else, to its figures."""

import json
import math
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import lakefs_sdk
import numpy as np
import pytest
from PIL import Image

from pipeline.__main__ import main
from stores.address import LakeFSAddress
from tests.conftest import Walk
from tests.emulators.lakefs import ACCESS_KEY, SECRET_KEY, LakeFSEmulator
from tests.tracking.recording import Recorder, read_scores
from tracking import names

if TYPE_CHECKING:
    from mlflow import MlflowClient

pytestmark = pytest.mark.usefixtures("asked")
PLACE = LakeFSAddress("image-data", "main", "data/tfrecords")


@pytest.fixture
def kept(
    lakefs: LakeFSEmulator,
    s3_bucket: str,
    few_pets: Path,
    outcome: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
) -> dict[str, str]:
    """The addresses, in lakeFS, of a real run's data and of its model, as tags."""
    monkeypatch.setenv("LAKECTL_CREDENTIALS_ACCESS_KEY_ID", ACCESS_KEY)
    monkeypatch.setenv("LAKECTL_CREDENTIALS_SECRET_ACCESS_KEY", SECRET_KEY)
    monkeypatch.setenv("LAKEFS_ENDPOINT", lakefs.endpoint)

    from components.data_stores import connect_lakefs
    from components.lakefs_pusher.config import Destination
    from components.lakefs_pusher.push import Pusher
    from stores.imports import import_to_lakefs

    config = Destination(
        lakefs_endpoint=lakefs.endpoint,
        lakefs_repository="image-models",
        lakefs_storage_namespace=f"s3://{s3_bucket}/image-models",
    )
    store = connect_lakefs(config)
    place = f"s3://{s3_bucket}/{PLACE.repository}"
    store.api.repositories_api.create_repository(
        lakefs_sdk.RepositoryCreation(name=PLACE.repository, storage_namespace=place)
    )
    data = import_to_lakefs(store, few_pets, PLACE, "drawn", lambda size: None)
    pushed = Pusher(store, config, "smoke").push(Path(outcome["model"]), {}, "Trainer/1")
    return {
        **outcome["tags"],
        names.DATA_VERSION: str(data),
        names.MODEL_URI: f"lakefs://{pushed.repository}/{pushed.revision}/{pushed.path}",
    }


@pytest.fixture
def run(record: Recorder, outcome: dict[str, Any]) -> str:
    """A real run whose model is in a folder of this machine."""
    return record(outcome["tags"], outcome["figures"])


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    """An image that is none of the data."""
    noise = np.random.default_rng(0).integers(0, 255, (50, 70, 3), np.uint8)
    path = tmp_path / "photos" / "below" / "noise.webp"
    path.parent.mkdir(parents=True)
    Image.fromarray(noise).save(path, lossless=True)
    return path


def judged_by_the_evaluator(walk: Walk, model: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """What `from_examples` answers to each validation example of the run, by its name."""
    import tensorflow as tf

    from components.artifacts.examples import parse, records, text
    from pipeline.runs.history import load_run

    run = load_run(walk.workplace.pipeline_root / "metadata.sqlite")
    signature = tf.saved_model.load(model).signatures["from_examples"]
    for record in records(run.steps["ImportExampleGen"].outputs["examples"], "eval"):
        told = signature(examples=tf.constant([record]))
        yield text(parse(record), "name"), {name: one.numpy()[0] for name, one in told.items()}


def test_from_a_run_id_to_the_evaluators_answers(
    record: Recorder,
    kept: dict[str, str],
    outcome: dict[str, Any],
    walk: Walk,
    asked: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    from models.segmentation import metrics
    from models.segmentation.labels import decode_mask
    from models.segmentation.predictions import MASKS

    record(kept, outcome["figures"])
    assert main(["infer", "--run", kept[names.RUN_ID], "--json"]) == 0
    printed = capsys.readouterr().out
    scores = read_scores(asked / "results")
    assert json.loads(printed) == {"output": "results", **scores}
    expected = dict(judged_by_the_evaluator(walk, outcome["model"]))
    assert [one["name"] for one in scores["images"]] == list(expected)
    assert not scores["failed"]
    for one in scores["images"]:
        judged = expected[one["name"]]
        mask = (asked / "results" / one["mask"]).read_bytes()
        assert np.array_equal(decode_mask(mask), decode_mask(judged[MASKS]))
        alone = metrics.figures(
            judged[metrics.CONFUSION], judged[metrics.BOUNDARY], ["a", "b", "c"]
        )
        assert one["mean_iou"] == pytest.approx(alone["mean_iou"], abs=1e-6)
        overlay = Image.open(asked / "results" / one["overlay"])
        assert overlay.size == Image.open(asked / "results" / one["mask"]).size
    for key, value in scores["figures"].items():
        judged_value = outcome["figures"][key]
        if value is None:
            assert math.isnan(judged_value)
        else:
            assert value == pytest.approx(judged_value, abs=1e-6), key
    assert {"mean_iou", "boundary_iou", "iou_pet"} <= scores["figures"].keys()
    assert sorted(path.name for path in asked.iterdir()) == ["output", "results"]


def test_files_of_which_one_is_no_image(
    run: str, photo: Path, asked: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = photo.with_name("broken.jpg")
    broken.write_bytes(b"\xff\xd8\xff no image")
    assert main(["infer", "--run", run, str(photo.parents[1]), str(photo)]) == 0
    said = capsys.readouterr()
    scores = read_scores(asked / "results")
    assert list(scores["failed"]) == ["below/broken.jpg"]
    assert said.err.splitlines()[-1].startswith("below/broken.jpg: image ")
    [one] = scores["images"]
    assert (one["name"], one["mask"]) == ("below/noise.webp", "masks/below-noise.png")
    mask = np.asarray(Image.open(asked / "results" / one["mask"]))
    assert mask.shape == (50, 70) and mask.max() < 3
    assert scores["figures"] == {}
    assert "none: there are no true labels" in said.out


def test_older_results_stay_where_a_run_fails(
    run: str, photo: Path, asked: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["infer", "--run", run, str(photo)]) == 0
    before = (asked / "results" / "scores.json").read_bytes()
    broken = photo.with_name("broken.jpg")
    broken.write_bytes(b"no image")
    assert main(["infer", "--run", run, str(broken)]) == 2
    assert "None of the images could be used, nothing was written: broken.jpg: " in (
        capsys.readouterr().err
    )
    assert (asked / "results" / "scores.json").read_bytes() == before
    assert [path.name for path in asked.iterdir()] == ["results"]
    (asked / "results" / "scores.json").rename(asked / "results" / "mine.txt")
    assert main(["infer", "--run", run, str(photo)]) == 2
    assert "holds something else than results" in capsys.readouterr().err
    assert (asked / "results" / "mine.txt").read_bytes() == before


def test_the_newest_registered_model_before_the_newest_blessed_one(
    record: Recorder,
    outcome: dict[str, Any],
    photo: Path,
    asked: Path,
    client: "MlflowClient",
    recipe: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    ask = ["infer", "--recipe", recipe, str(photo)]
    assert main(ask) == 2
    assert f"has no finished run of recipe {recipe}" in capsys.readouterr().err
    first = record(outcome["tags"])
    second = record({**outcome["tags"], names.RUN_ID: f"second-of-{recipe}"})
    assert main(ask) == 0
    assert read_scores(asked / "results")["run"] == second
    assert main(["register", "--run", first]) == 0
    assert main(ask) == 0
    scores = read_scores(asked / "results")
    assert (scores["run"], scores["registered"]) == (first, {"model": recipe, "version": 1})
    client.set_registered_model_alias(recipe, "champion", "1")
    assert main(["infer", "--model", f"{recipe}@champion", str(photo)]) == 0
    capsys.readouterr()
    assert main(["infer", "--model", f"{recipe}@nobody", str(photo)]) == 2
    assert f"has no version {recipe}@nobody" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("changed", "words", "said"),
    [
        ({names.MODEL_DIGEST: "0" * 64}, [], "its digest differs"),
        ({names.MODEL_URI: "/nowhere/1"}, [], "there is no such folder here"),
        ({names.MODEL_URI: ""}, [], "has no model that was pushed"),
        ({}, ["--recipe", "pets"], "and RECIPE=pets asks for another"),
        ({}, ["nothing-*.png"], "nothing-*.png is no image file"),
        ({}, ["--data", "lakefs://A@b/c"], "has a user name or a password in it"),
        ({names.DATA_VERSION: ""}, [], "was trained on a folder that has no version"),
        ({}, ["--interactive"], "give one of them"),
        ({}, ["--data", "s3://b/c", "a.png"], "give one of them"),
    ],
)
def test_what_cannot_be_asked(
    record: Recorder,
    outcome: dict[str, Any],
    changed: dict[str, str],
    words: list[str],
    said: str,
    asked: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    run = record({**outcome["tags"], **changed})
    assert main(["infer", "--run", run, *words]) == 2
    printed = capsys.readouterr()
    assert (printed.out, printed.err.count("\n")) == ("", 1)
    assert said in printed.err
    assert not list(asked.iterdir())


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--interactive"], "--interactive asks, and this is no terminal: name the run with"),
        (["--model", "a/b@c"], "'a/b@c' names no version: write MODEL@ALIAS"),
        (["--model", "scenes"], "'scenes' names no version"),
        (["--run", "nobody"], "knows no run nobody"),
    ],
)
def test_what_cannot_be_found(
    words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["infer", *words]) == 2
    assert said in capsys.readouterr().err


def test_data_of_other_classes_and_a_model_of_another_task(
    record: Recorder,
    outcome: dict[str, Any],
    run: str,
    few_pets: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    other = Path(shutil.copytree(few_pets, tmp_path / "other"))
    told = json.loads((other / "dataset.json").read_text())
    (other / "dataset.json").write_text(json.dumps({**told, "class_names": ["leaf", "soil"]}))
    assert main(["infer", "--run", run, str(other)]) == 2
    assert "has the classes leaf, soil, and the model pet, background, border" in (
        capsys.readouterr().err
    )
    changed = record.recipe(
        task="classification",
        model="cnn",
        by_model={},
        palette=[],
        search_space={},
        gate={"max_drop": 1.0},
    )
    run = record(outcome["tags"], recipe=changed)
    assert main(["infer", "--run", run, str(few_pets)]) == 2
    assert "is a model of segmentation of the classes" in capsys.readouterr().err
