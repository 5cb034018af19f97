"""Whole trainings on two machines, and on one with two devices."""

import json
import os
import pickle
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_transform as tft
from tfx.components.trainer.fn_args_utils import FnArgs

from models import data, train
from models.config import TrainingConfig
from tests.models.drawn_pets import pets, write_shard
from tests.ports import free_ports
from tests.warm.commands import python

pytestmark = pytest.mark.slow  # five processes train

REPOSITORY = Path(__file__).parents[2]
TRAIN_IMAGES, VAL_IMAGES = 12, 5
EPOCHS = 2
Run = Callable[[str, Callable[[Path], None]], Path]


def start(folder: Path, name: str, arguments: FnArgs, *more: str, **environment: str) -> Any:
    """Starts a machine: a process that writes its records and what it prints into the folder."""
    pickled = folder / f"{name}.pickle"
    pickled.write_bytes(pickle.dumps(arguments))
    with (folder / f"{name}.log").open("w") as log:
        return subprocess.Popen(
            [
                python(),
                "-m",
                "tests.models.machine",
                str(pickled),
                str(folder / name),
                *more,
            ],
            cwd=REPOSITORY,
            env={**os.environ, **environment},
            stdout=log,
            stderr=subprocess.STDOUT,
        )


def start_cluster(folder: Path, arguments: list[FnArgs], roles: tuple[str, ...]) -> list[Any]:
    """Starts machines with these arguments and roles, the chief first, named 0, 1, ..."""
    cluster: dict[str, list[str]] = {}
    tasks = []
    for role, port in zip(roles, free_ports(len(roles)), strict=True):
        tasks.append({"type": role, "index": len(cluster.setdefault(role, []))})
        cluster[role].append(f"127.0.0.1:{port}")
    return [
        start(
            folder,
            str(index),
            arguments[index],
            TF_CONFIG=json.dumps({"cluster": cluster, "task": task, "environment": "cloud"}),
        )
        for index, task in enumerate(tasks)
    ]


def finish(folder: Path, machines: list[Any]) -> None:
    for index, machine in enumerate(machines):
        assert machine.wait(timeout=600) == 0, (folder / f"{index}.log").read_text()


@pytest.fixture(scope="module")
def shards(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("shards")
    write_shard(folder / "train.gz", [pet.example() for pet in pets(TRAIN_IMAGES)])
    write_shard(folder / "val.gz", [pet.example() for pet in pets(VAL_IMAGES, seed=500)])
    return folder


@pytest.fixture(scope="module")
def arguments(
    shards: Path, transform_graph: str, config: TrainingConfig
) -> Callable[[Path, int], FnArgs]:
    """What TFX gives every machine alike, by output folder and number of epochs."""

    def make(output: Path, epochs: int) -> FnArgs:
        settings = config.model_copy(update={"epochs": epochs, "augmentation": 0.0})
        made = FnArgs(
            train_files=[str(shards / "train*")],
            eval_files=[str(shards / "val*")],
            transform_output=transform_graph,
            serving_model_dir=str(output / "Format-Serving"),
            model_run_dir=str(output / "model_run"),
            custom_config={
                "training": settings.model_dump(mode="json"),
                "checkpoints": str(output / "checkpoints"),
                "code_digest": "",
            },
        )
        made.num_examples = {"train": TRAIN_IMAGES, "eval": VAL_IMAGES}
        return made

    return make


@pytest.fixture(scope="module")
def two_machines(shared: Run, arguments: Callable[[Path, int], FnArgs]) -> Path:
    """A training by a chief and a worker, as Vertex AI Training names them."""

    def run(folder: Path) -> None:
        # Folders of their own, so that what the worker would write is seen.
        made = [arguments(folder / output, EPOCHS) for output in ("out", "idle")]
        finish(folder, start_cluster(folder, made, ("chief", "worker")))

    return shared("models-two-machines", run)


@pytest.fixture(scope="module")
def two_devices(shared: Run, arguments: Callable[[Path, int], FnArgs]) -> Path:
    """The same training by one machine with two devices."""

    def run(folder: Path) -> None:
        finish(folder, [start(folder, "0", arguments(folder / "out", EPOCHS), "mirrored")])

    return shared("models-two-devices", run)


@pytest.fixture(params=["two_machines", "two_devices"])
def outcome(request: pytest.FixtureRequest) -> Path:
    return request.getfixturevalue(request.param)


def seen(folder: Path, name: str) -> list[list[int]]:
    """What each replica saw in each step: sums of the images' pixels, the replicas in turn."""
    records = [path.read_text() for path in sorted(folder.glob(f"?.{name}"))]
    steps = [[json.loads(line.replace(" ", ",")) for line in text.splitlines()] for text in records]
    return [shares for machines in zip(*steps, strict=True) for shares in machines]


def image_sums(
    shards: Path, split: str, transform_output: tft.TFTransformOutput, count: int
) -> list[int]:
    images = data.load_split([str(shards / f"{split}*")], transform_output, tf.uint8, count)
    return [int(image.astype(np.int64).sum()) for image, _ in images.pairs.as_numpy_iterator()]


@pytest.mark.parametrize(("split", "count"), [("train", TRAIN_IMAGES), ("val", VAL_IMAGES)])
def test_every_example_is_seen_once_an_epoch(
    outcome: Path,
    shards: Path,
    transform_output: tft.TFTransformOutput,
    config: TrainingConfig,
    split: str,
    count: int,
) -> None:
    everything = sorted(image_sums(shards, split, transform_output, count))
    assert len(set(everything)) == count
    shares = seen(outcome, split)
    per_epoch = len(shares) // EPOCHS
    assert per_epoch == (2 * count // config.batch_size if split == "train" else 2)
    for epoch in range(EPOCHS):
        found = shares[epoch * per_epoch : (epoch + 1) * per_epoch]
        assert {len(share) for share in found} == ({2} if split == "train" else {2, 3})
        assert sorted(image for share in found for image in share) == everything


def test_one_model_comes_out(outcome: Path, config: TrainingConfig) -> None:
    digests = {path.read_text() for path in outcome.glob("?.weights")}
    assert len(digests) == 1
    model = tf.saved_model.load(str(outcome / "out" / "Format-Serving"))
    answer = model.signatures["serving_default"](image_bytes=tf.constant([pets(1)[0].image]))
    assert np.isfinite(answer["class_fractions"].numpy()).all()
    figures = json.loads((outcome / "out" / "model_run" / train.FIGURES).read_text())
    assert figures["steps"] == EPOCHS * (TRAIN_IMAGES // config.batch_size)


def test_the_chief_alone_writes(outcome: Path) -> None:
    out = outcome / "out"
    written = sorted(
        str(path.relative_to(out)).partition(".tfevents.")[0]
        for path in out.glob("model_run/**/*")
        if path.is_file()
    )
    assert written == [
        "model_run/train/events.out",
        "model_run/training.json",
        "model_run/validation/events.out",
    ]
    assert not list(out.glob("checkpoints/*"))
    assert not (outcome / "idle").exists()


def test_the_machines_see_the_same_history(two_machines: Path) -> None:
    path = two_machines / "out" / "model_run" / train.FIGURES
    history = json.loads(path.read_text())["history"]
    for epoch in range(EPOCHS):
        figures = " - ".join(
            f"{name}: {history[name][epoch]:.4f}"
            for name in ("loss", "mean_iou", "val_loss", "val_mean_iou")
        )
        for log in two_machines.glob("?.log"):
            assert figures in log.read_text()


def test_a_lost_machine_ends_the_training_which_then_goes_on_from_its_checkpoint(
    arguments: Callable[[Path, int], FnArgs], tmp_path: Path
) -> None:
    epochs, roles = 4, ("worker", "worker")
    made = arguments(tmp_path / "out", epochs)
    machines = start_cluster(tmp_path, [made, made], roles)
    while not list(tmp_path.glob("out/checkpoints/*/checkpoint")):
        assert [machine.poll() for machine in machines] == [None, None]
        time.sleep(0.01)
    machines[1].kill()
    assert machines[0].wait(timeout=120) != 0
    assert "UnavailableError" in (tmp_path / "0.log").read_text()
    assert not (tmp_path / "out" / "Format-Serving").exists()

    alone = arguments(tmp_path / "out", epochs)
    alone.custom_config["checkpoints"] = str(tmp_path / "alone")
    for machine in start_cluster(tmp_path, [made, alone], roles):
        assert machine.wait(timeout=600) != 0
    assert "Not all machines find the same checkpoints" in (tmp_path / "0.log").read_text()

    finish(tmp_path, start_cluster(tmp_path, [made, made], roles))
    for log in tmp_path.glob("?.log"):
        assert f"of {epochs}." in log.read_text().partition("Resuming after epoch ")[2]
    figures = json.loads((tmp_path / "out" / "model_run" / train.FIGURES).read_text())
    assert len(figures["history"]["val_mean_iou"]) == epochs
    assert len({path.read_text() for path in tmp_path.glob("?.weights")}) == 1
