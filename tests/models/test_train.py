"""The Trainer's callback, end to end on real TFRecords."""

import json
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from drawn_pets import NUM_CLASSES, decode_mask, pets, write_shard
from tfx.components.trainer.fn_args_utils import FnArgs

from models import signatures, train
from models.config import TrainingConfig

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
        custom_config={"training": config.model_dump(mode="json")},
    )
    arguments.num_examples = {"train": TRAIN_IMAGES, "eval": VAL_IMAGES}
    return arguments


@pytest.fixture(scope="module")
def trained(
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


def test_writes_the_figures(trained: Path, config: TrainingConfig) -> None:
    figures = json.loads((trained / "model_run" / train.FIGURES).read_text())
    assert set(figures) == {"steps", "images_per_second", "history"}
    assert figures["steps"] == EPOCHS * (TRAIN_IMAGES // config.batch_size)
    assert figures["images_per_second"] > 0
    assert set(figures["history"]) == {"loss", "mean_iou", "val_loss", "val_mean_iou"}
    for values in figures["history"].values():
        assert len(values) == EPOCHS
        assert np.isfinite(values).all()
    assert not list((trained / "model_run").glob("*.tmp"))


def test_writes_a_saved_model_that_serves(trained: Path) -> None:
    path = trained / "Format-Serving"
    model = tf.saved_model.load(str(path))
    assert set(model.signatures) == {"serving_default", "from_examples", "transform_features"}
    drawn = pets(3, seed=900)
    answer = model.signatures["serving_default"](
        image_bytes=tf.constant([pet.image for pet in drawn])
    )
    for pet, png in zip(drawn, answer["mask_png_bytes"].numpy(), strict=True):
        mask = decode_mask(png)
        assert mask.shape == pet.mask.shape
        assert mask.max() < NUM_CLASSES


def test_provenance_holds_the_training(trained: Path, config: TrainingConfig) -> None:
    text = (trained / "Format-Serving" / "assets.extra" / signatures.PROVENANCE).read_text()
    provenance = json.loads(text)
    figures = json.loads((trained / "model_run" / train.FIGURES).read_text())
    assert provenance.pop("training") == figures
    assert TrainingConfig(**provenance) == config.model_copy(update={"epochs": EPOCHS})


@pytest.mark.parametrize("split", ["train", "validation"])
def test_writes_tensorboard_logs(trained: Path, split: str) -> None:
    (events,) = (trained / "model_run" / split).glob("events.out.tfevents.*")
    history = json.loads((trained / "model_run" / train.FIGURES).read_text())["history"]
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
    trained: Path, shards: Path, transform_graph: str, config: TrainingConfig, tmp_path: Path
) -> None:
    again = config.model_copy(update={"epochs": EPOCHS})
    train.run_fn(fn_args(shards, transform_graph, again, tmp_path))
    first, second = (
        json.loads((output / "model_run" / train.FIGURES).read_text())["history"]
        for output in (trained, tmp_path)
    )
    assert second == first


def test_an_unknown_model_stops_the_training_in_words(
    shards: Path, transform_graph: str, config: TrainingConfig, tmp_path: Path
) -> None:
    unknown = config.model_copy(update={"model": "unett"})
    with pytest.raises(ValueError, match="MODEL=unett is unknown; .* Did you mean unet?"):
        train.run_fn(fn_args(shards, transform_graph, unknown, tmp_path))
    assert not (tmp_path / "Format-Serving").exists()


@pytest.mark.parametrize("total_steps", [20, 37, 1000])
def test_the_learning_rate_is_kerass_warm_up_and_cosine_decay(total_steps: int) -> None:
    peak = 2e-3
    schedule = train.WarmUpCosine(peak, total_steps)
    rates = [schedule.rate(step) for step in range(1, total_steps + 1)]
    warm_up = rates.index(max(rates)) + 1
    assert warm_up == pytest.approx(0.1 * total_steps, abs=1)
    reference = keras.optimizers.schedules.CosineDecay(
        0.0, total_steps - warm_up, warmup_target=peak, warmup_steps=warm_up
    )
    expected = [float(reference(step)) for step in range(1, total_steps + 1)]
    assert rates == pytest.approx(expected, abs=1e-6 * peak)


def test_a_single_step_is_taken_at_the_peak() -> None:
    assert train.WarmUpCosine(2e-3, 1).rate(1) == 2e-3


def test_the_learning_rate_is_applied_to_every_step() -> None:
    # Plain gradient descent on a constant slope: each step moves the weight by the rate.
    inputs = keras.Input((1,))
    dense = keras.layers.Dense(1, use_bias=False, kernel_initializer="zeros")
    model = keras.Model(inputs, dense(inputs))
    model.compile(keras.optimizers.SGD(123.0), loss=lambda truth, answer: -answer)
    weights = [0.0]

    class Recorder(keras.callbacks.Callback):
        def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
            weights.append(float(dense.kernel[0, 0]))

    schedule = train.WarmUpCosine(0.5, total_steps=12)
    ones = np.ones((6, 1), np.float32)
    model.fit(ones, ones, batch_size=1, epochs=2, callbacks=[schedule, Recorder()], verbose=0)
    expected = [schedule.rate(step) for step in range(1, 13)]
    assert np.diff(weights) == pytest.approx(expected, abs=1e-6)
