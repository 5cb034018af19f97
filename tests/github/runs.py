"""Two runs of train.yml, which the tests share."""

import functools
import pickle
from dataclasses import dataclass
from pathlib import Path

from tests.conftest import REPOSITORY
from tests.github.cloud import BUCKET, PROJECT, Cloud, cloud
from tests.github.images import image_tag
from tests.github.player import Played
from tests.github.repositories import repository_copy
from tests.small_runs import REFUSED
from tests.warm.commands import python

INPUTS = {
    "project": PROJECT,
    "region": "us-central1",
    "recipe": "scenes",
    "model": str(REFUSED["MODEL"]),
    "epochs": str(REFUSED["EPOCHS"]),
    "dataflow": "false",
    "publish": "true",
}
VARIABLES = {name: str(value) for name, value in REFUSED.items() if name.lower() not in INPUTS}


@dataclass
class Left:
    """What two runs left behind: of a model that learned little, and of broken data.

    Args:
        folder: where the states of all services are.
        refused: the first run.
        broken: the second one.
        image: that was there, by its digest.
    """

    folder: Path
    refused: Played
    broken: Played
    image: str


def play_two(folder: Path, data: Path) -> None:
    """Plays the runs and writes what they left to `left.pickle`."""
    from tests.emulators.vertex.rehearsing import rehearsed

    repository = repository_copy(REPOSITORY, folder / "team")
    runner = functools.partial(rehearsed, folder / "rehearsals", python=python())
    with cloud(folder, runner) as there:
        there.gcs.upload_tree(data, f"{BUCKET}/data")
        name, tag = "segmentation/pipeline", image_tag(repository)
        digest = there.registry.push_empty(name, tag)
        player = there.player(repository, **VARIABLES)
        refused = player.play("train.yml", "train", inputs=INPUTS)
        _break(there)
        new_data = {
            "event_name": "repository_dispatch",
            "event": {"client_payload": {"data_root": f"{BUCKET}/broken"}},
        }
        announced = player.play("train.yml", "announce", **new_data)
        assert announced.conclusion == "success", announced
        broken = player.play("train.yml", "train", **new_data)
        there.gcs.save(folder / "buckets")
        image = f"{there.registry.host}/{PROJECT}/{name}@{digest}"
    left = Left(folder, refused, broken, image)
    (folder / "left.pickle").write_bytes(pickle.dumps(left))


def _break(there: Cloud) -> None:
    """Puts data into the bucket whose beginning is sound, and whose end is not."""
    bucket = there.gcs.client.bucket(BUCKET.removeprefix("gs://"))
    for uri in there.gcs.list(f"{BUCKET}/data/"):
        content = there.gcs.read(uri)
        if "train-00000" in uri:
            content = content[:-1000]
        name = uri.removeprefix(f"{BUCKET}/data/")
        bucket.blob(f"broken/{name}").upload_from_string(content)
