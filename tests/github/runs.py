"""Two runs of train.yml, which the tests share."""

import functools
import pickle
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import REPOSITORY
from tests.github import images
from tests.github.cloud import BUCKET, PROJECT, Cloud, cloud
from tests.github.player import Played
from tests.github.repositories import repository_copy
from tests.test_local_runner import FEW_STEPS

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
    """What two runs left behind: of a model that learned little, and of broken data.

    Args:
        folder: where the states of all services are.
        refused: the first run.
        broken: the second one.
        image: by its digest.
        tag: what the image is called.
        config: of the image.
        pulled: bytes of its layers.
    """

    folder: Path
    refused: Played
    broken: Played
    image: str
    tag: str
    config: dict[str, Any]
    pulled: int


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
            layers = there.registry.manifest("segmentation/pipeline", digest)["layers"]
            pulled = sum(layer["size"] for layer in layers)
        tag = f"{name}:{images.image_tag(repository)}"
        left = Left(folder, refused, broken, image, tag, config, pulled)
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
