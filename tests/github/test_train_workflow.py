"""train.yml from the checkout to the verdict, on this machine."""

import functools
import pickle
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import REPOSITORY
from tests.github import images
from tests.github.cloud import BUCKET, HUB_TOKEN, PROJECT, Cloud, cloud
from tests.github.player import Played, repository_copy
from tests.test_local_runner import FEW_STEPS

pytestmark = pytest.mark.slow

INPUTS = {
    "project": PROJECT,
    "region": "us-central1",
    "recipe": "pets",
    "model": "unet",
    "epochs": str(FEW_STEPS["EPOCHS"]),
    "dataflow": "false",
    "publish": "true",
}
VARIABLES = {name: str(value) for name, value in FEW_STEPS.items() if name != "EPOCHS"}


@dataclass
class Left:
    """What two runs left behind: of a model that learned little, and of broken data."""

    folder: Path
    refused: Played
    broken: Played
    image: str
    tag: str
    config: dict[str, Any]


@pytest.fixture(scope="session")
def left(
    shared: Callable[[str, Callable[[Path], None]], Path],
    base_images: dict[str, str],
    few_pets: Path,
) -> Left:
    from tests.emulators.vertex.rehearsing import rehearsed

    def run(folder: Path) -> None:
        repository = repository_copy(REPOSITORY, folder / "team")
        images.build_on_bases(repository)
        runner = functools.partial(rehearsed, folder / "rehearsals")
        with cloud(folder, runner, base_images) as there:
            there.gcs.upload_tree(few_pets, f"{BUCKET}/data")
            player = there.player(repository, **VARIABLES)
            refused = player.play("train.yml", "train", inputs=INPUTS)
            _break(there)
            broken = player.play(
                "train.yml",
                "train",
                event_name="repository_dispatch",
                event={"client_payload": {"data_root": f"{BUCKET}/broken"}},
            )
            there.gcs.save(folder / "buckets")
            image = refused.steps["Build the image"].outputs["image"]
            name, digest = image.split("@")
            config = there.registry.config("segmentation/pipeline", digest)
        tag = f"{name}:{images.image_tag(repository)}"
        left = Left(folder, refused, broken, image, tag, config)
        (folder / "left.pickle").write_bytes(pickle.dumps(left))

    return pickle.loads((shared("trained_by_workflow", run) / "left.pickle").read_bytes())


def _break(there: Cloud) -> None:
    """Puts data into the bucket whose beginning is sound, and whose end is not."""
    bucket = there.gcs.client.bucket(BUCKET.removeprefix("gs://"))
    for uri in there.gcs.list(f"{BUCKET}/data/"):
        content = there.gcs.read(uri)
        if "train-00000" in uri:
            content = content[:-1000]
        name = uri.removeprefix(f"{BUCKET}/data/")
        bucket.blob(f"broken/{name}").upload_from_string(content)


def test_a_refused_model_ends_green(left: Left) -> None:
    played = left.refused
    logs = {step.name: step.log for step in played.steps.values()}
    assert played.conclusion == "success", logs
    ran = [step.name for step in played.steps.values() if step.outcome != "skipped"]
    assert ran == [
        "Check the repository out",
        "Name what is missing",
        "Install what the lock names",
        "Log in to Google Cloud",
        "Check settings, data, secrets and services",
        "Build the image",
        "Submit",
        "Wait for the verdict",
    ]
    assert "## Refused, nothing published" in played.summary
    assert "<code>mean IoU 0&#46;" in played.summary


def test_broken_data_end_red_with_the_reason(left: Left) -> None:
    assert left.broken.conclusion == "failure"
    outcomes = {step.name: step.outcome for step in left.broken.steps.values()}
    assert outcomes["Wait for the verdict"] == "failure", left.broken
    assert "## Failed" in left.broken.summary
    assert "<code>ImportExampleGen</code> failed:" in left.broken.summary
    assert "Not a valid TFRecord" in left.broken.summary


def test_the_second_run_takes_the_image_of_the_first(left: Left) -> None:
    assert "STEP 1" in left.refused.steps["Build the image"].log
    again = left.broken.steps["Build the image"]
    assert again.outputs["image"] == left.image and "is there." in again.log


def test_nothing_is_published_and_no_secret_is_left(left: Left) -> None:
    assert not (left.folder / "hub" / "models").exists()
    for path in left.folder.rglob("*"):
        if path.is_file() and "workspace/.venv" not in str(path):
            assert HUB_TOKEN.encode() not in path.read_bytes(), path
