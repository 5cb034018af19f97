"""The Trainer's callback, end to end on real TFRecords."""

import json
import pickle
import re
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
import tensorflow_transform as tft
from tfx.components.trainer.fn_args_utils import FnArgs

from models import train
from models.config import TrainingConfig
from models.provenance import PROVENANCE
from models.reference.features import measure_image
from models.reference.statistics import read_reference
from tests.models.drawn_pets import (
    IMAGE_SIZE,
    NUM_CLASSES,
    decode_mask,
    draw_pixels,
    pets,
    write_shard,
)
from tests.warm.commands import python

REPOSITORY = Path(__file__).parents[2]
TRAIN_IMAGES, VAL_IMAGES = 10, 5
EPOCHS = 2


@pytest.fixture(scope="module")
def shards(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two shards to train with, one of them gzipped as ExampleGen writes them, and one to judge."""
    folder = tmp_path_factory.mktemp("shards")
    examples = [pet.example() for pet in pets(TRAIN_IMAGES)]
    write_shard(folder / "train-00000-of-00002.gz", examples[:6])
    write_shard(folder / "train-00001-of-00002.gz", examples[6:])
    judged = [pet.example() for pet in pets(VAL_IMAGES, seed=500)]
    write_shard(folder / "val-00000-of-00001.gz", judged)
    return folder


def fn_args(shards: Path, transform_graph: str, config: TrainingConfig, output: Path) -> FnArgs:
    """As TFX's Trainer executor makes them."""
    arguments = FnArgs(
        train_files=[str(shards / "train-*")],
        eval_files=[str(shards / "val-*")],
        transform_graph_path=transform_graph,
        transform_output=transform_graph,
        serving_model_dir=str(output / "Format-Serving"),
        model_run_dir=str(output / "model_run"),
        custom_config={
            "training": config.model_dump(mode="json"),
            "checkpoints": str(output / "checkpoints"),
            "code_digest": "",
        },
    )
    arguments.num_examples = {"train": TRAIN_IMAGES, "eval": VAL_IMAGES}
    return arguments


@pytest.fixture(scope="module")
def outcome(
    shards: Path,
    transform_graph: str,
    config: TrainingConfig,
    shared: Callable[[str, Callable[[Path], None]], Path],
) -> Path:
    """The output of one training."""
    config = config.model_copy(update={"epochs": EPOCHS})

    def run(folder: Path) -> None:
        train.run_fn(fn_args(shards, transform_graph, config, folder))

    return shared("models-trained", run)


def test_writes_the_figures(outcome: Path, config: TrainingConfig) -> None:
    figures = json.loads((outcome / "model_run" / train.FIGURES).read_text())
    assert set(figures) == {
        "steps",
        "seconds",
        "images_per_second",
        "best_epoch",
        "parameters",
        "history",
        "processor_seconds",
    }
    assert figures["parameters"] > 1000 and figures["processor_seconds"] > 0
    assert figures["steps"] == EPOCHS * (TRAIN_IMAGES // config.batch_size)
    assert figures["images_per_second"] > 0
    assert figures["seconds"] > 0
    history = figures["history"]
    assert set(history) == {"loss", "mean_iou", "val_loss", "val_mean_iou", "learning_rate"}
    assert figures["best_epoch"] == np.argmax(history["val_mean_iou"])
    for values in figures["history"].values():
        assert len(values) == EPOCHS
        assert np.isfinite(values).all()
    assert not list((outcome / "model_run").glob("*.tmp"))


def test_writes_a_saved_model_that_serves(outcome: Path) -> None:
    path = outcome / "Format-Serving"
    model = tf.saved_model.load(str(path))
    assert set(model.signatures) == {
        "serving_default",
        "from_examples",
        "transform_features",
        "network",
    }
    drawn = pets(VAL_IMAGES, seed=500)
    answer = model.signatures["serving_default"](
        image_bytes=tf.constant([pet.image for pet in drawn])
    )
    for pet, png in zip(drawn, answer["mask_png_bytes"].numpy(), strict=True):
        mask = decode_mask(png)
        assert mask.shape == pet.mask.shape
        assert mask.max() < NUM_CLASSES
    told = [histogram.mean for histogram in read_reference(str(path)).answers.values()]
    assert told == pytest.approx(answer["class_fractions"].numpy().mean(axis=0), abs=1e-6)


def test_provenance_holds_the_training(outcome: Path, config: TrainingConfig) -> None:
    text = (outcome / "Format-Serving" / "assets.extra" / PROVENANCE).read_text()
    provenance = json.loads(text)
    figures = json.loads((outcome / "model_run" / train.FIGURES).read_text())
    assert provenance.pop("training") == figures
    assert TrainingConfig(**provenance) == config.model_copy(update={"epochs": EPOCHS})


def test_the_model_knows_what_images_are_like_that_did_not_train_it(outcome: Path) -> None:
    reference = read_reference(str(outcome / "Format-Serving"))
    assert (reference.split, reference.images) == ("eval", VAL_IMAGES)
    drawn = [measure_image(pet.image) for pet in pets(VAL_IMAGES, seed=500)]
    for name, histogram in reference.inputs.items():
        assert histogram.mean == pytest.approx(np.mean([row[name] for row in drawn]))


@pytest.mark.parametrize("split", ["train", "validation"])
def test_writes_tensorboard_logs(outcome: Path, split: str) -> None:
    (events,) = (outcome / "model_run" / split).glob("events.out.tfevents.*")
    history = json.loads((outcome / "model_run" / train.FIGURES).read_text())["history"]
    logged = {
        event.step: float(tf.make_ndarray(value.tensor))
        for record in tf.data.TFRecordDataset(str(events)).as_numpy_iterator()
        for event in [tf.compat.v1.Event.FromString(record)]
        for value in event.summary.value
        if value.tag == "epoch_loss"
    }
    name = "loss" if split == "train" else "val_loss"
    assert logged == pytest.approx(dict(enumerate(history[name])))


def test_the_same_seed_gives_the_same_history(
    outcome: Path, shards: Path, transform_graph: str, config: TrainingConfig, tmp_path: Path
) -> None:
    again = config.model_copy(update={"epochs": EPOCHS})
    train.run_fn(fn_args(shards, transform_graph, again, tmp_path))
    first, second = (
        json.loads((output / "model_run" / train.FIGURES).read_text())["history"]
        for output in (outcome, tmp_path)
    )
    assert second == first


def test_an_unknown_model_stops_the_training_in_words(
    shards: Path, transform_graph: str, config: TrainingConfig, tmp_path: Path
) -> None:
    unknown = config.model_copy(update={"model": "unett"})
    with pytest.raises(ValueError, match="MODEL=unett is unknown; .* Did you mean unet?"):
        train.run_fn(fn_args(shards, transform_graph, unknown, tmp_path))
    assert not (tmp_path / "Format-Serving").exists()


RUN_FN = """
import pickle, sys
from models import train
train.run_fn(pickle.load(open(sys.argv[1], "rb")))
"""


def start(arguments: FnArgs, folder: Path) -> subprocess.Popen:
    """Trains in a process of its own."""
    pickled = folder / "arguments.pickle"
    pickled.write_bytes(pickle.dumps(arguments))
    return subprocess.Popen(
        [python(), "-c", RUN_FN, str(pickled)],
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


@pytest.mark.slow
def test_a_killed_training_goes_on_as_if_nothing_had_happened(
    shards: Path, transform_graph: str, config: TrainingConfig, tmp_path: Path
) -> None:
    config = config.model_copy(update={"epochs": 12, "augmentation": 1.0})
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    train.run_fn(fn_args(shards, transform_graph, config, whole))

    arguments = fn_args(shards, transform_graph, config, parts)
    killed = start(arguments, tmp_path)
    while not list(parts.glob("checkpoints/*/checkpoint")):
        assert killed.poll() is None, killed.communicate()[0]
        time.sleep(0.01)
    killed.kill()
    killed.wait()
    assert not (parts / "Format-Serving").exists()

    again = start(arguments, tmp_path)
    output, _ = again.communicate(timeout=300)
    assert again.returncode == 0, output
    assert re.search(r"Resuming after epoch \d+ of 12\.", output)
    figures = [
        json.loads((folder / "model_run" / train.FIGURES).read_text()) for folder in (whole, parts)
    ]
    for name in ("history", "best_epoch", "steps"):
        assert figures[1][name] == figures[0][name]
    # What is done needs no way back any more.
    assert not list(parts.glob("checkpoints/*"))


def test_a_diverged_training_keeps_its_last_good_checkpoint(
    shards: Path, transform_graph: str, config: TrainingConfig, tmp_path: Path
) -> None:
    class Jump(train.WarmUpCosine):
        """Far too high from the second epoch on."""

        def rate(self, step: int) -> float:
            return 1e38 if step > TRAIN_IMAGES // config.batch_size else super().rate(step)

    diverging = config.model_copy(update={"epochs": 3})
    arguments = fn_args(shards, transform_graph, diverging, tmp_path)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(train, "WarmUpCosine", Jump)
        with pytest.raises(
            ValueError, match=r"became (nan|inf) at step [34] with learning rate 1e"
        ):
            train.run_fn(arguments)
    (index,) = tmp_path.glob("checkpoints/*/ckpt-*.index")
    assert index.name == "ckpt-0.index"
    reader = tf.train.load_checkpoint(str(index.with_suffix("")))
    for name in reader.get_variable_to_shape_map():
        value = np.asarray(reader.get_tensor(name))
        assert value.dtype.kind != "f" or np.isfinite(value).all()
    assert not (tmp_path / "Format-Serving").exists()


def test_a_pretrained_encoder_changes_gently_and_keeps_its_statistics(
    config: TrainingConfig, tmp_path: Path
) -> None:
    keras.utils.set_random_seed(1)
    weights = str(tmp_path / "encoder.weights.h5")
    keras.applications.MobileNetV2(include_top=False, weights=None).save_weights(weights)
    fine = {"model": "unet", "encoder_weights": weights, "weight_decay": 0.5}
    config = config.model_copy(update=fine)
    model = train.compiled_model(config)
    encoder = model.get_layer("encoder")
    images = np.stack([draw_pixels(seed, (IMAGE_SIZE, IMAGE_SIZE))[0] for seed in range(4)])
    masks = np.stack([draw_pixels(seed, (IMAGE_SIZE, IMAGE_SIZE))[1] for seed in range(4)])
    before = {weight.path: weight.numpy() for weight in model.weights}
    model.train_on_batch(images.astype(np.float32), masks)

    def change(weight: keras.Variable) -> float:
        return float(np.abs(weight.numpy() - before[weight.path]).max())

    pretrained = {weight.path for weight in encoder.weights}
    kernels = [weight for weight in encoder.weights if "kernel" in weight.path]
    others = [weight for weight in encoder.weights if "kernel" not in weight.path]
    new = [weight for weight in model.trainable_weights if weight.path not in pretrained]
    rate = config.learning_rate
    # Adam's first step is the learning rate, whatever the gradient.
    assert max(map(change, kernels)) == pytest.approx(0.1 * rate, rel=0.01)
    assert max(map(change, new)) > 0.9 * rate
    assert max(map(change, others)) == 0


@pytest.mark.parametrize("policy", ["float32", "mixed_float16", "mixed_bfloat16"])
def test_trains_in_every_precision_and_serves_in_float32(
    transform_output: tft.TFTransformOutput,
    config: TrainingConfig,
    monkeypatch: pytest.MonkeyPatch,
    policy: str,
) -> None:
    monkeypatch.setattr(train.precision, "best_policy", lambda: policy)
    model = train.compiled_model(config)
    pixels, ids = draw_pixels(0, (IMAGE_SIZE, IMAGE_SIZE))
    images, masks = pixels[None].astype(np.float32), ids[None]
    losses = [model.train_on_batch(images, masks, return_dict=True)["loss"] for _ in range(8)]
    assert np.isfinite(losses).all() and losses[-1] < losses[0]
    served = train._as_served(model, config)
    assert {layer.compute_dtype for layer in served.layers} == {"float32"}
    np.testing.assert_allclose(
        served.predict_on_batch(images), model.predict_on_batch(images), atol=0.2
    )
