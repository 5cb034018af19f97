"""The Trainer's callback: trains a network of the registry and exports it."""

import hashlib
import json
import os
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import keras
import tensorflow as tf
import tensorflow_transform as tft
from tfx.components.trainer.fn_args_utils import FnArgs

from models import data, distribution, precision, registry, signatures
from models.adamw import FusedAdamW
from models.callbacks import StopWhenDiverged, Throughput, WarmUpCosine
from models.checkpoints import Checkpoints
from models.config import TrainingConfig
from models.hyperparameters import apply_hyperparameters
from models.losses import CrossEntropyDice

FIGURES = "training.json"
# Fine-tuning: how long a pretrained encoder stays frozen, and how gently it is changed after.
_FROZEN_SHARE = 0.25
_FINE_TUNING_RATE = 0.1


def run_fn(fn_args: FnArgs) -> None:
    """Trains, and writes the SavedModel and the model run.

    A killed training goes on from its last checkpoint when it is started again with the same
    configuration, code and data. On several machines (see `models.distribution`) all run this with
    the same arguments, the chief alone writes, and all return when it has written.

    Args:
        fn_args: from TFX: examples, statistics (for the number of examples in each split),
            Transform's graph, tuned hyperparameters, if any, and as `custom_config` a
            `TrainingConfig` to put them into (`training`), the folder of all checkpoints
            (`checkpoints`) and the digest of the code (`code_digest`).

    Raises:
        ValueError: the configuration names something unknown or unfitting, the machines do not
            share their folders, or the training diverged.
        tf.errors.UnavailableError: another machine was lost; all are to be started again.
    """
    strategy = distribution.strategy()
    config = TrainingConfig(**fn_args.custom_config["training"])
    config = apply_hyperparameters(config, fn_args.hyperparameters)
    keras.utils.set_random_seed(config.seed)
    transform_output = tft.TFTransformOutput(fn_args.transform_output)
    replicas = distribution.input_context(strategy)
    num_train, num_val = (fn_args.num_examples[split] for split in ("train", "eval"))
    train_share = data.training_share(num_train, replicas)
    train = data.load_split(fn_args.train_files, transform_output, num_train, train_share)
    val_share = data.evaluation_share(num_val, config.batch_size, replicas)
    val = data.load_split(fn_args.eval_files, transform_output, num_val, val_share)

    with strategy.scope():
        model = compiled_model(config)
    folder = os.path.join(fn_args.custom_config["checkpoints"], _fingerprint(fn_args, config))
    checkpoints = checkpoints_of(model, config, folder)
    if checkpoints.restore():
        print(f"Resuming after epoch {checkpoints.epochs_done} of {config.epochs}.", flush=True)
    if distribution.mean(strategy, checkpoints.epochs_done) != checkpoints.epochs_done:
        raise ValueError(
            f"Not all machines find the same checkpoints in {folder}: set PIPELINE_ROOT to a "
            "folder that they share."
        )
    throughput = Throughput()
    logs = _logs(strategy, fn_args.model_run_dir)
    began = time.perf_counter()
    fit(model, config, train, val, checkpoints, [throughput, *logs])
    seconds = time.perf_counter() - began
    checkpoints.restore_best()
    figures = {
        "steps": int(model.optimizer.iterations.numpy()),
        "seconds": round(seconds, 1),
        "images_per_second": round(throughput.images_per_second(config.batch_size), 1),
        "best_epoch": checkpoints.best_epoch,
        "history": checkpoints.history,
    }
    served = _as_served(model, config)
    if strategy.extended.should_checkpoint:
        write_figures(fn_args.model_run_dir, figures)
        signatures.export(served, transform_output, config, figures, fn_args.serving_model_dir)
        tf.io.gfile.rmtree(folder)
    # TFX looks for the model on every machine.
    distribution.mean(strategy, 0)


def checkpoints_of(model: keras.Model, config: TrainingConfig, folder: str) -> Checkpoints:
    """Where a training of a `compiled_model` keeps itself."""
    since = list(phases(config))[-1].begin
    return Checkpoints(model, model.optimizer, folder, config.patience, since)


def fit(
    model: keras.Model,
    config: TrainingConfig,
    train: data.Split,
    val: data.Split,
    checkpoints: Checkpoints,
    callbacks: list[keras.callbacks.Callback],
) -> None:
    """Trains, phase by phase, from where the checkpoints stand.

    Args:
        model: a `compiled_model` of the configuration.
        config: what to train.
        train: the machine's share, as `data.load_split` gives it.
        val: likewise.
        checkpoints: `checkpoints_of` the model; they have the history afterwards.
        callbacks: what else is to be told of it.

    Raises:
        ValueError: the training diverged.
    """
    strategy = model.distribute_strategy
    steps = max(1, train.num_examples // config.batch_size)
    val_steps = data.evaluation_steps(
        val.num_examples, config.batch_size, strategy.num_replicas_in_sync
    )
    for phase in phases(config):
        if checkpoints.epochs_done >= phase.end or checkpoints.exhausted:
            continue
        set_phase(model, phase)
        model.fit(
            strategy.distribute_datasets_from_function(
                lambda replicas: data.training_batches(
                    train,
                    config.batch_size,
                    config.seed,
                    config.augmentation,
                    first_step=steps * checkpoints.epochs_done,
                    replicas=replicas,
                )
            ),
            validation_data=strategy.distribute_datasets_from_function(
                lambda replicas: data.evaluation_batches(val, config.batch_size, replicas)
            ),
            steps_per_epoch=steps,
            validation_steps=len(val_steps),
            initial_epoch=checkpoints.epochs_done,
            epochs=phase.end,
            callbacks=[
                WarmUpCosine(
                    phase.learning_rate,
                    total_steps=steps * (phase.end - phase.begin),
                    first_step=steps * phase.begin,
                ),
                StopWhenDiverged(),
                *callbacks,
                checkpoints,
            ],
            verbose="auto" if sys.stdout.isatty() else 2,
        )


@dataclass(frozen=True)
class Phase:
    """Epochs `begin` to `end`, the last one not included, trained alike.

    Attributes:
        begin: first epoch, counted from 0.
        end: the epoch after the last one.
        frozen: whether the encoder keeps its weights.
        learning_rate: peak of the phase's own schedule.
    """

    begin: int
    end: int
    frozen: bool
    learning_rate: float


def phases(config: TrainingConfig) -> Iterator[Phase]:
    """One phase from random weights; from pretrained ones two, with the encoder frozen at first.

    Howard and Ruder, "Universal Language Model Fine-tuning", 2018 (arXiv:1801.06146): what is new
    learns first, then the whole more gently.
    """
    frozen = 0
    if config.encoder_weights != "none":
        frozen = max(1, round(_FROZEN_SHARE * config.epochs))
        yield Phase(0, frozen, True, config.learning_rate)
    if frozen < config.epochs:
        rate = config.learning_rate * (_FINE_TUNING_RATE if frozen else 1)
        yield Phase(frozen, config.epochs, False, rate)


def _logs(strategy: tf.distribute.Strategy, folder: str) -> list[keras.callbacks.Callback]:
    """TensorBoard's on the chief; elsewhere none."""
    if not strategy.extended.should_checkpoint:
        return []
    return [keras.callbacks.TensorBoard(folder, write_graph=False)]


def compiled_model(config: TrainingConfig) -> keras.Model:
    """Builds the network with its optimiser, loss and metric, for the strategy in scope."""
    policy = precision.best_policy()
    with precision.applied(policy):
        model = _network(config)
        if tf.distribute.has_strategy():
            model = distribution.on_replicas(model)
    optimizer = FusedAdamW(config.learning_rate, weight_decay=config.weight_decay)
    optimizer.exclude_from_weight_decay(var_names=["gamma", "beta", "bias"])
    if policy == "mixed_float16":
        optimizer = keras.optimizers.LossScaleOptimizer(optimizer)
    # Built here, the optimiser makes no variables inside the step, which is then traced once
    # instead of twice.
    optimizer.build(model.trainable_variables)
    _compile(model, optimizer, config.num_classes)
    return model


def set_phase(model: keras.Model, phase: Phase) -> None:
    """Freezes or unfreezes a pretrained encoder.

    Its BatchNorm layers stay as they are pretrained in both phases: a few small batches would spoil
    statistics taken from a million images.
    """
    if not phase.frozen and phase.begin == 0:
        return  # from random weights there is nothing to keep
    encoder = model.get_layer("encoder")
    encoder.trainable = not phase.frozen
    for layer in encoder._flatten_layers():
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.trainable = False
    _compile(model, model.optimizer, model.output_shape[-1])


def _compile(model: keras.Model, optimizer: keras.optimizers.Optimizer, num_classes: int) -> None:
    with model.distribute_strategy.scope():
        model.compile(
            optimizer=optimizer,
            loss=CrossEntropyDice(),
            metrics=[keras.metrics.MeanIoU(num_classes, sparse_y_pred=False, name="mean_iou")],
            jit_compile=False,
        )


def _network(config: TrainingConfig) -> keras.Model:
    return registry.build_model(
        config.model, config.image_size, config.num_classes, config.encoder_weights
    )


def _as_served(model: keras.Model, config: TrainingConfig) -> keras.Model:
    """The network in float32 on one device: it serves on any machine, with the same results."""
    is_distributed = isinstance(model, distribution.DistributedModel)
    if model.dtype_policy.name == "float32" and not is_distributed:
        return model
    served = _network(config)
    served.set_weights(model.get_weights())
    return served


def _fingerprint(fn_args: FnArgs, config: TrainingConfig) -> str:
    """Names what a training depends on: its checkpoints are good for no other."""
    parts = [
        config.model_dump(mode="json"),
        fn_args.custom_config["code_digest"],
        fn_args.train_files,
        fn_args.eval_files,
        fn_args.transform_output,
    ]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]


def write_figures(model_run_dir: str, figures: dict[str, Any]) -> None:
    """Writes the training's figures into the model run, whole or not at all."""
    path = os.path.join(model_run_dir, FIGURES)
    tf.io.gfile.makedirs(model_run_dir)
    with tf.io.gfile.GFile(path + ".tmp", "w") as file:
        file.write(json.dumps(figures, indent=2))
    tf.io.gfile.rename(path + ".tmp", path, overwrite=True)
