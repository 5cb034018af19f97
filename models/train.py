"""The Trainer's callback: trains a network of the registry and exports it."""

import contextlib
import functools
import hashlib
import json
import math
import os
import time
from collections.abc import Iterator, Sequence
from typing import Any

import keras
import tensorflow as tf
import tensorflow_transform as tft
from tfx.components.trainer.fn_args_utils import FnArgs

from models import calibration, data, distribution, precision, registry, signatures
from models.backbones.weights import NONE
from models.callbacks import BudgetedWarmUpCosine, StopWhenDiverged, Throughput, WarmUpCosine
from models.checkpoints import Checkpoints
from models.config import TrainingConfig
from models.hyperparameters import apply_hyperparameters
from models.optimizers import make_optimizer
from models.recorded_epochs import RecordedEpochs
from models.reference.split import describe_split
from models.reference.statistics import write_reference
from tracking.step import training_journal

FIGURES = "training.json"
_ADAPTED_TOGETHER = 512  # images that a network looks at, at a time, before its first step


def run_fn(fn_args: FnArgs) -> None:
    """Train, and write the SavedModel and the model run.

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
    began = time.process_time()
    strategy = distribution.strategy()
    config = TrainingConfig(**fn_args.custom_config["training"])
    config = apply_hyperparameters(config, fn_args.hyperparameters)
    learning = registry.load_learning(config.task)
    keras.utils.set_random_seed(config.seed)
    transform_output = tft.TFTransformOutput(fn_args.transform_output)
    replicas = distribution.input_context(strategy)
    num_train, num_val = (fn_args.num_examples[split] for split in ("train", "eval"))
    train_share = data.training_share(num_train, replicas)
    label_type = learning.label_spec(config.image_size).dtype
    train = data.load_split(
        fn_args.train_files, transform_output, label_type, num_train, train_share
    )
    val_share = data.evaluation_share(num_val, config.batch_size, replicas)
    val = data.load_split(fn_args.eval_files, transform_output, label_type, num_val, val_share)

    with strategy.scope():
        model = compiled_model(config)
    folder = os.path.join(fn_args.custom_config["checkpoints"], _fingerprint(fn_args, config))
    setting_up = time.process_time() - began
    checkpoints = checkpoints_of(model, config, folder)
    if checkpoints.restore():
        print(f"Resuming after epoch {checkpoints.epochs_done} of {config.epochs}.", flush=True)
    if distribution.mean(strategy, checkpoints.epochs_done) != checkpoints.epochs_done:
        raise ValueError(
            f"Not all machines find the same checkpoints in {folder}: set PIPELINE_ROOT to a "
            "folder that they share."
        )
    throughput = Throughput()
    fitting_began = time.perf_counter()
    with _logs(strategy, fn_args.model_run_dir, checkpoints) as logs:
        fit(model, config, train, val, checkpoints, [throughput], logs)
        seconds = time.perf_counter() - fitting_began
    checkpoints.restore_best()
    served = _as_served(model, config)
    figures = {
        "steps": int(model.optimizer.iterations.numpy()),
        "seconds": round(seconds, 1),
        "images_per_second": round(throughput.images_per_second(config.batch_size), 1),
        "best_epoch": checkpoints.best_epoch,
        "parameters": sum(math.prod(weight.shape) for weight in model.trainable_weights),
        "history": checkpoints.history,
    }
    if strategy.extended.should_checkpoint:
        if config.calibrated:
            served, config, temperature = calibration.calibrate(
                served, config, fn_args, transform_output
            )
            figures["temperature"] = temperature
        figures["processor_seconds"] = round(setting_up + checkpoints.processor_seconds, 1)
        write_figures(fn_args.model_run_dir, figures)
        signatures.export(served, transform_output, config, figures, fn_args.serving_model_dir)
        _describe_held_out(served, config, fn_args, transform_output)
        tf.io.gfile.rmtree(folder)
    # TFX looks for the model on every machine.
    distribution.mean(strategy, 0)


def checkpoints_of(model: keras.Model, config: TrainingConfig, folder: str) -> Checkpoints:
    """Where a training of a `compiled_model` keeps itself."""
    primary = registry.load_task(config.task).primary_metric
    return Checkpoints(model, model.optimizer, folder, primary, config.patience)


def fit(
    model: keras.Model,
    config: TrainingConfig,
    train: data.Split,
    val: data.Split,
    checkpoints: Checkpoints,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    logs: Sequence[keras.callbacks.Callback] = (),
) -> None:
    """Train from where the checkpoints stand.

    Args:
        model: a `compiled_model` of the configuration.
        config: what to train.
        train: the machine's share, as `data.load_split` gives it.
        val: likewise.
        checkpoints: `checkpoints_of` the model; they have the history afterwards.
        callbacks: what else is to be told of it.
        logs: likewise, of each epoch when the checkpoints have it.

    Raises:
        ValueError: the training diverged.
    """
    strategy = model.distribute_strategy
    architecture = registry.load_architecture(config.task, config.model)
    if hasattr(architecture, "adapt") and not checkpoints.epochs_done:
        images = train.pairs.map(lambda image, _: image).batch(_ADAPTED_TOGETHER)
        architecture.adapt(model, images, functools.partial(distribution.mean, strategy))
    augment = registry.load_learning(config.task).augment
    steps = max(1, train.num_examples // config.batch_size)
    val_steps = data.evaluation_steps(
        val.num_examples, config.batch_size, strategy.num_replicas_in_sync
    )
    if checkpoints.epochs_done >= config.epochs or checkpoints.exhausted:
        return
    model.fit(
        strategy.distribute_datasets_from_function(
            lambda replicas: data.training_batches(
                train,
                augment,
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
        epochs=config.epochs,
        callbacks=[
            _schedule(config, steps, checkpoints),
            StopWhenDiverged(),
            *callbacks,
            checkpoints,
            *logs,
        ],
        verbose=2,  # a line for each epoch, which may stand above a live view
    )


def _schedule(config: TrainingConfig, steps: int, checkpoints: Checkpoints) -> WarmUpCosine:
    """Return the learning rate over all epochs of so many steps, or over the time to spend."""
    rate, budget = config.learning_rate, config.processor_seconds
    if budget is None:
        return WarmUpCosine(rate, total_steps=steps * config.epochs)
    return BudgetedWarmUpCosine(rate, budget, lambda: checkpoints.processor_seconds)


@contextlib.contextmanager
def _logs(
    strategy: tf.distribute.Strategy, folder: str, checkpoints: Checkpoints
) -> Iterator[list[keras.callbacks.Callback]]:
    """TensorBoard's on the chief, and the run's where it is recorded; elsewhere none."""
    if not strategy.extended.should_checkpoint:
        yield []
        return
    with training_journal(folder) as journal:
        recorded = [RecordedEpochs(journal, checkpoints)] if journal else []
        yield [keras.callbacks.TensorBoard(folder, write_graph=False), *recorded]


def compiled_model(config: TrainingConfig) -> keras.Model:
    """Build the network with its optimiser, loss and metric, for the strategy in scope.

    A pretrained encoder learns from the first step on, at a share of the rate. Its BatchNorm layers
    stay as they are: a few small batches would spoil statistics taken from a million images.
    """
    model = precision.build(functools.partial(build_network, config))
    pretrained = []
    if config.encoder_weights != NONE:
        encoder = model.get_layer("encoder")
        for layer in encoder._flatten_layers():
            if isinstance(layer, keras.layers.BatchNormalization):
                layer.trainable = False
        pretrained = encoder.trainable_variables
    if tf.distribute.has_strategy():
        model = distribution.on_replicas(model)
    optimizer = make_optimizer(config, pretrained)
    if model.dtype_policy.name == "mixed_float16":
        optimizer = keras.optimizers.LossScaleOptimizer(optimizer)
    # Built here, the optimiser makes no variables inside the step, which is then traced once
    # instead of twice.
    optimizer.build(model.trainable_variables)
    learning = registry.load_learning(config.task)
    model.compile(
        optimizer=optimizer,
        loss=learning.loss(config),
        metrics=[learning.metric(config.num_outputs)],
        jit_compile=False,
    )
    return model


def build_network(config: TrainingConfig) -> keras.Model:
    """Build the network of a configuration, of one view, as it begins."""
    return registry.build_model(
        config.task,
        config.model,
        config.image_size,
        config.num_outputs,
        config.encoder_weights,
        config.encoder,
    )


def _as_served(model: keras.Model, config: TrainingConfig) -> keras.Model:
    """Return the network in float32 on one device: it serves on any machine, with equal results."""
    is_distributed = isinstance(model, distribution.DistributedModel)
    if model.dtype_policy.name == "float32" and not is_distributed:
        return model
    served = build_network(config)
    served.set_weights(model.get_weights())
    return served


def _describe_held_out(
    model: keras.Model, config: TrainingConfig, fn_args: FnArgs, transform: tft.TFTransformOutput
) -> None:
    """Write into the model what images are like that did not train it, and its answers to them.

    Those of the split `calibration` chose no epoch, and are taken where there are some.
    """
    split, files, count = "eval", fn_args.eval_files, fn_args.num_examples["eval"]
    if config.calibrated:
        split, files = "calibration", calibration.list_files(fn_args)
        count = data.count_examples(files)
    reference = describe_split(split, files, count, transform, model, config)
    if reference:
        write_reference(fn_args.serving_model_dir, reference)


def _fingerprint(fn_args: FnArgs, config: TrainingConfig) -> str:
    """Name what a training depends on: its checkpoints are good for no other."""
    parts = [
        config.model_dump(mode="json"),
        fn_args.custom_config["code_digest"],
        fn_args.train_files,
        fn_args.eval_files,
        fn_args.transform_output,
    ]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]


def write_figures(model_run_dir: str, figures: dict[str, Any]) -> None:
    """Write the training's figures into the model run, whole or not at all."""
    path = os.path.join(model_run_dir, FIGURES)
    tf.io.gfile.makedirs(model_run_dir)
    with tf.io.gfile.GFile(path + ".tmp", "w") as file:
        file.write(json.dumps(figures, indent=2))
    tf.io.gfile.rename(path + ".tmp", path, overwrite=True)
