"""The app as a Space: its folder, `model.json`, its own requirements, and a Hub."""

import json
import os
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from gradio_client import Client, handle_file
from huggingface_hub import HfApi, SpaceCard
from PIL import Image

from components.hf_pusher.space import stage_space
from images import read_image
from tests.apps.gradio.running import SHARED, python_with, running_app
from tests.conftest import REPOSITORY
from tests.emulators.hub import HubEmulator
from tfrecords.drawing import scenes

MODEL = "demo/pets"
TOKEN = "hf_secret"


@pytest.fixture
def hub(tmp_path: Path, lite_folder: Path, model_folder: Path) -> Iterator[HubEmulator]:
    """A Hub with a private model repository that holds both kinds of model."""
    both = tmp_path / "both"
    shutil.copytree(model_folder, both)
    shutil.copy(lite_folder / "model.tflite", both)
    with HubEmulator(tmp_path / "state", users={"demo": TOKEN}) as hub:
        api = HfApi(endpoint=hub.endpoint, token=TOKEN)
        api.create_repo(MODEL, private=True)
        api.upload_folder(repo_id=MODEL, folder_path=both)
        yield hub


@pytest.fixture
def space(hub: HubEmulator, tmp_path: Path) -> Path:
    """The app's folder as the pusher leaves it."""
    folder = tmp_path / "space"
    revision = hub.commits("models", MODEL)[0].id
    stage_space(folder, "segmentation", MODEL, revision, "v-1", edge=True)
    return folder


@pytest.fixture
def images(tmp_path: Path) -> list[Path]:
    paths = [tmp_path / f"photo-{index}.jpg" for index in range(8)]
    for index, path in enumerate(paths):
        path.write_bytes(scenes.draw(seed=23, index=index).jpeg())
    return paths


def test_a_lite_model_needs_no_tensorflow(
    space: Path, hub: HubEmulator, images: list[Path], tmp_path: Path
) -> None:
    """Several ask at once, and nobody but the Hub is asked for anything."""
    python = python_with(space / "requirements.txt", tmp_path / "venv")
    assert subprocess.run([python, "-c", "import tensorflow"], capture_output=True).returncode
    environment = {"HF_ENDPOINT": hub.endpoint, "HF_TOKEN": TOKEN}
    with running_app([python, "app.py"], space, **environment) as running:
        client = Client(running.url, verbose=False, download_files=space / "answers")
        jobs = [client.submit(handle_file(image), api_name="/segment") for image in images]
        for image, job in zip(images, jobs, strict=True):
            mask = np.asarray(Image.open(job.result()[0]))
            expected = read_image(image.read_bytes()).pixels.argmax(axis=-1)
            np.testing.assert_array_equal(mask, expected)
        revision = hub.commits("models", MODEL)[0].id
        assert f"{hub.endpoint}/{MODEL}/tree/{revision}" in json.dumps(client.config)
        assert not running.asked_outside()
    fetched = {one.path.partition(f"/resolve/{revision}/")[2] for one in hub.requests}
    assert fetched - {""} == {"model.tflite", "assets.extra/provenance.json"}


@pytest.mark.parametrize(("token", "up"), [("hf_wrong", True), (TOKEN, True), ("any", False)])
def test_a_model_that_is_not_handed_out_is_named(
    space: Path, hub: HubEmulator, token: str, up: bool
) -> None:
    named = json.loads((space / "model.json").read_text())
    (space / "model.json").write_text(json.dumps(named | {"revision": "f" * 40}))
    endpoint = hub.endpoint if up else "http://127.0.0.1:1"
    environment = {**os.environ, "HF_ENDPOINT": endpoint, "HF_TOKEN": token}
    done = subprocess.run(
        [sys.executable, "app.py"], cwd=space, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 1
    assert f"{MODEL} at revision {'f' * 40} cannot be downloaded from {endpoint}" in done.stderr
    assert "Traceback" not in done.stderr


def test_without_a_model_the_option_is_named(space: Path) -> None:
    (space / "model.json").unlink()
    done = subprocess.run([sys.executable, "app.py"], cwd=space, capture_output=True, text=True)
    assert done.returncode == 2
    assert "there is no model.json beside app.py: name a model folder with --model" in done.stderr


@pytest.mark.parametrize("runtime", ["tensorflow", "litert"])
def test_the_requirements_are_those_that_the_project_is_tested_with(runtime: str) -> None:
    lines = (SHARED / f"requirements-{runtime}.txt").read_text().splitlines()
    pinned = dict(line.split("==") for line in lines if not line.startswith("#"))
    locked = tomllib.loads((REPOSITORY / "uv.lock").read_text())["package"]
    versions = {package["name"]: package.get("version") for package in locked}
    assert pinned == {name: versions[name] for name in pinned}
    assert {"gradio", "huggingface-hub", "numpy", "pillow"} < set(pinned)


@pytest.mark.parametrize("app", ["image_classification", "semantic_segmentation"])
def test_the_front_page_is_a_spaces(app: str) -> None:
    folder = SHARED.parent / app
    card = SpaceCard.load(folder / "README.md").data
    pins = (SHARED / "requirements-litert.txt").read_text()
    assert (card.sdk, card.app_file, card.python_version) == ("gradio", "app.py", "3.11")
    assert f"gradio=={card.sdk_version}\n" in pins
    assert (folder / card.app_file).exists()
    assert card.pinned is False


def test_no_app_has_a_file_by_the_name_of_a_shared_one() -> None:
    """In a Space they lie side by side."""
    shared = {path.name for path in SHARED.glob("*.*")}
    for app in ("image_classification", "semantic_segmentation"):
        assert not shared & {path.name for path in (SHARED.parent / app).glob("*.*")}
