"""The Trainer's callback: trains a network of the registry and exports it."""

import json
import math
import os
import sys
import time
from typing import Any

import keras
import tensorflow as tf
import tensorflow_transform as tft
from tfx.components.trainer.fn_args_utils import FnArgs

from models import data, registry, signatures
from models.config import TrainingConfig
from models.hyperparameters import apply_hyperparameters
from models.losses import CrossEntropyDice

FIGURES = "training.json"
_WARM_UP_SHARE = 0.1
_WEIGHT_DECAY = 1e-4


class Throughput(keras.callbacks.Callback):
    """Counts training steps and the seconds spent in them, the first (tracing) step left out."""

    def __init__(self) -> None:
        super().__init__()
        self.steps = 0
        self.seconds = 0.0
        self._begin = 0.0

    def on_train_batch_begin(self, batch: int, logs: dict | None = None) -> None:
        """Keras' hook."""
        self._begin = time.perf_counter()

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        """Keras' hook."""
        if self.steps:
            self.seconds += time.perf_counter() - self._begin
        self.steps += 1

    def images_per_second(self, batch_size: int) -> float:
        """Training images a second, validation not counted; 0 before the second step."""
        return (self.steps - 1) * batch_size / self.seconds if self.seconds else 0.0


class WarmUpCosine(keras.callbacks.Callback):
    """Sets each step's learning rate: linear warm-up, then cosine decay to zero.

    Loshchilov and Hutter, "SGDR" (arXiv:1608.03983). A callback, because Keras computes a schedule
    object's rate once for every variable, which takes ten seconds to trace.

    Args:
        peak: the highest rate.
        total_steps: steps of the whole training.
    """

    def __init__(self, peak: float, total_steps: int) -> None:
        super().__init__()
        self._peak = peak
        self._total = total_steps
        self._warm_up = max(1, round(_WARM_UP_SHARE * total_steps))
        self._step = 0

    def on_train_batch_begin(self, batch: int, logs: dict | None = None) -> None:
        """Keras' hook."""
        self._step += 1
        self.model.optimizer.learning_rate = self.rate(self._step)

    def rate(self, step: int) -> float:
        """The learning rate of a step, counted from 1."""
        if step <= self._warm_up:
            return self._peak * step / self._warm_up
        done = (step - self._warm_up) / max(1, self._total - self._warm_up)
        return self._peak * (1 + math.cos(math.pi * done)) / 2


def run_fn(fn_args: FnArgs) -> None:
    """Trains, and writes the SavedModel and the model run.

    Args:
        fn_args: from TFX: examples, statistics (for the number of examples in each split),
            Transform's graph, a `TrainingConfig` as `custom_config["training"]`, and tuned
            hyperparameters, if any, to put into it.

    Raises:
        ValueError: the configuration names something unknown or unfitting.
    """
    config = TrainingConfig(**fn_args.custom_config["training"])
    config = apply_hyperparameters(config, fn_args.hyperparameters)
    keras.utils.set_random_seed(config.seed)
    transform_output = tft.TFTransformOutput(fn_args.transform_output)
    train = data.load_split(fn_args.train_files, transform_output, fn_args.num_examples["train"])
    val = data.load_split(fn_args.eval_files, transform_output, fn_args.num_examples["eval"])

    steps = max(1, fn_args.num_examples["train"] // config.batch_size)
    model = compiled_model(config)
    throughput = Throughput()
    history = model.fit(
        data.training_batches(train, config.batch_size, config.seed),
        validation_data=data.evaluation_batches(val, config.batch_size),
        steps_per_epoch=steps,
        epochs=config.epochs,
        callbacks=[
            throughput,
            WarmUpCosine(config.learning_rate, total_steps=steps * config.epochs),
            keras.callbacks.TensorBoard(fn_args.model_run_dir, write_graph=False),
        ],
        verbose="auto" if sys.stdout.isatty() else 2,
    )
    figures = {
        "steps": throughput.steps,
        "images_per_second": round(throughput.images_per_second(config.batch_size), 1),
        "history": history.history,
    }
    write_figures(fn_args.model_run_dir, figures)
    signatures.export(model, transform_output, config, figures, fn_args.serving_model_dir)


def compiled_model(config: TrainingConfig) -> keras.Model:
    """Builds the configured network with its optimiser, loss and metric.

    AdamW: Loshchilov and Hutter, "Decoupled Weight Decay Regularization" (arXiv:1711.05101).
    """
    model = registry.build_model(
        config.model, config.image_size, config.num_classes, config.encoder_weights
    )
    optimizer = keras.optimizers.AdamW(config.learning_rate, weight_decay=_WEIGHT_DECAY)
    optimizer.exclude_from_weight_decay(var_names=["gamma", "beta", "bias"])
    # Built here, the optimiser makes no variables inside the step, which is then traced once
    # instead of twice.
    optimizer.build(model.trainable_variables)
    model.compile(
        optimizer=optimizer,
        loss=CrossEntropyDice(),
        metrics=[keras.metrics.MeanIoU(config.num_classes, sparse_y_pred=False, name="mean_iou")],
        jit_compile=False,
    )
    return model


def write_figures(model_run_dir: str, figures: dict[str, Any]) -> None:
    """Writes the training's figures into the model run, whole or not at all."""
    path = os.path.join(model_run_dir, FIGURES)
    tf.io.gfile.makedirs(model_run_dir)
    with tf.io.gfile.GFile(path + ".tmp", "w") as file:
        file.write(json.dumps(figures, indent=2))
    tf.io.gfile.rename(path + ".tmp", path, overwrite=True)
