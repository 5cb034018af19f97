"""The network of recipe `cifar10` beside a plain one, in equal processor time.

Both train as the Trainer does, with the recipe's settings for each, on the images of a file; and
both answer the same test images, so that they are compared image by image.
"""

import functools
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import keras
import numpy as np
import numpy.typing as npt
import scipy.stats
import tensorflow as tf
from rich.console import Console
from rich.progress import track

from benchmarks.report import Figure, figure
from models import train
from models.config import TrainingConfig
from models.data import Split
from pipeline.recipes import load_recipe

_OURS, _PLAIN = "airbench", "cnn"
_HELD_OUT = 10  # every tenth training image chooses the best epoch
# Processor seconds of each training, and of the short one that tells what an epoch takes.
BUDGET = 300.0


class Labelled(NamedTuple):
    """Images, uint8 [N, S, S, 3], with their class ids, [N], to train on and to test with."""

    x_train: npt.NDArray[np.uint8]
    y_train: npt.NDArray[np.integer]
    x_test: npt.NDArray[np.uint8]
    y_test: npt.NDArray[np.integer]


def run(rounds: int, file: Path | None = None, budget: float = BUDGET) -> list[Figure]:
    """Train both, once a round from another seed, and compare them.

    Args:
        rounds: trainings of each.
        file: an .npz with the arrays of `Labelled`; None to measure nothing.
        budget: processor seconds of a training.

    Returns:
        The share of right answers.
    """
    if file is None:
        print("classifier: pass --labelled FILE, an .npz of images and class ids")
        return []
    with np.load(file) as arrays:
        data = Labelled(*(arrays[name] for name in Labelled._fields))
    right: dict[str, list[npt.NDArray[np.bool_]]] = {_OURS: [], _PLAIN: []}
    for seed in track(range(rounds), "classifier", console=Console(stderr=True)):
        for name, answers in right.items():
            answers.append(_answers(name, data, seed, budget))
    ours, plain = right[_OURS][0], right[_PLAIN][0]
    print(
        f"Of {len(ours)} test images {int((ours & ~plain).sum())} are right with {_OURS} alone, "
        f"{int((plain & ~ours).sum())} with {_PLAIN} alone: McNemar, p = {mcnemar(ours, plain):.1e}"
    )
    return [
        figure(
            f"{_OURS}, {len(data.x_train)} images, {budget:.0f} s of processor time, accuracy",
            "%",
            [100 * float(answers.mean()) for answers in right[_OURS]],
            [100 * float(answers.mean()) for answers in right[_PLAIN]],
            f"{_PLAIN}, three convolutions with batch normalisation and dropout",
        )
    ]


def mcnemar(ours: npt.NDArray[np.bool_], peer: npt.NDArray[np.bool_]) -> float:
    """Return the exact two-sided p of McNemar's test.

    McNemar, "Note on the sampling error of the difference between correlated proportions or
    percentages", Psychometrika 1947.

    Args:
        ours: which images we answer right.
        peer: which of the same images the peer answers right.
    """
    alone, peer_alone = int((ours & ~peer).sum()), int((peer & ~ours).sum())
    if not alone + peer_alone:
        return 1.0
    return float(scipy.stats.binomtest(alone, alone + peer_alone).pvalue)


def _answers(name: str, data: Labelled, seed: int, budget: float) -> npt.NDArray[np.bool_]:
    """Train a network as long as it may; return which test images it answers right."""
    recipe = load_recipe("cifar10").with_overrides({"model": name, "batch_size": 64, "seed": seed})
    held_out = np.arange(len(data.x_train)) % _HELD_OUT == 0
    trained = functools.partial(
        fit_network, train_split=make_split(data, ~held_out), val_split=make_split(data, held_out)
    )
    config = recipe.training_config()
    one, two = (trained(config.model_copy(update={"epochs": n}))[1] for n in (1, 2))
    epochs = max(1, int((budget - (one - (two - one))) / (two - one)))
    model, _ = trained(config.model_copy(update={"epochs": epochs, "patience": epochs}))
    logits = model.predict(data.x_test.astype(np.float32), verbose=0)
    return logits.argmax(axis=1) == data.y_test


def fit_network(
    config: TrainingConfig, train_split: Split, val_split: Split
) -> tuple[keras.Model, float]:
    """Return the trained network, and the processor seconds that it took."""
    keras.utils.set_random_seed(config.seed)
    began = time.process_time()
    model = train.compiled_model(config)
    with tempfile.TemporaryDirectory() as folder:
        checkpoints = train.checkpoints_of(model, config, folder)
        train.fit(model, config, train_split, val_split, checkpoints, callbacks=[])
        checkpoints.restore_best()
    return model, time.process_time() - began


def make_split(data: Labelled, chosen: npt.NDArray[np.bool_]) -> Split:
    """Those of the training images that are chosen, bool [N]."""
    images, labels = data.x_train[chosen], data.y_train[chosen].astype(np.int32)
    return Split(tf.data.Dataset.from_tensor_slices((images, labels)), len(images))
