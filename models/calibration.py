"""What the split `calibration` of the data, which neither trains nor judges, adds to a network."""

from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import tensorflow_transform as tft
from tfx.components.trainer.fn_args_utils import FnArgs

from models import data
from models.config import TrainingConfig
from models.registry import load_learning
from models.views import average_mirrored


def calibrate(
    model: keras.Model, config: TrainingConfig, fn_args: FnArgs, transform: tft.TFTransformOutput
) -> tuple[keras.Model, TrainingConfig, float]:
    """Find the temperature of a network, and its thresholds where it decides by some.

    Args:
        model: float32 [N, S, S, 3] in 0..255 to logits, [N, C], of one view.
        config: what it was trained with.
        fn_args: as the Trainer is given them.
        transform: the artifact whose graph the network was trained behind.

    Returns:
        The network with calibrated logits, the configuration with the thresholds, and the
        temperature.

    Raises:
        ValueError: the split has no image of the class that must not be missed.
    """
    learning = load_learning(config.task)
    logits, labels = _answer(model, config, fn_args, transform)
    offsets = find_offsets(config)
    temperature = learning.fit_temperature(logits + offsets, labels)
    if config.decision:
        found = learning.fit_thresholds((logits + offsets) / temperature, labels, config)
        config = config.model_copy(update={"thresholds": found})
    return rescale(model, offsets, temperature), config, temperature


def list_files(fn_args: FnArgs) -> list[str]:
    """Patterns of the split's files, which lie beside those that TFX names."""
    return [path.replace("Split-train", "Split-calibration") for path in fn_args.train_files]


def find_offsets(config: TrainingConfig) -> npt.NDArray[np.float32]:
    """Return what takes the effect of the classes' weights out of the logits again, float32 [C].

    Weights of classes in the loss move the probabilities that are learned by their logarithms;
    Elkan, "The Foundations of Cost-Sensitive Learning", IJCAI 2001.
    """
    return -np.log(config.class_weights or np.ones(config.num_outputs, np.float32))


def rescale(
    model: keras.Model, offsets: npt.NDArray[np.float32], temperature: float
) -> keras.Model:
    """Make a network whose logits are those of another, moved and divided."""
    logits = keras.layers.Rescaling(
        1 / temperature, (offsets / temperature).tolist(), dtype="float32", name="calibrated"
    )
    return keras.Model(model.inputs, logits(model.outputs[0]), name=model.name)


def _answer(
    model: keras.Model, config: TrainingConfig, fn_args: FnArgs, transform: tft.TFTransformOutput
) -> tuple[npt.NDArray[np.float32], npt.NDArray[Any]]:
    """Logits and labels of the split."""
    files = list_files(fn_args)
    label_type = load_learning(config.task).label_spec(config.image_size).dtype
    split = data.load_split(files, transform, label_type, data.count_examples(files))
    batches = data.evaluation_batches(split, config.batch_size)
    if config.mirrored:
        model = average_mirrored(model)
    logits, labels = zip(
        *((model(images, training=False), told) for images, told in batches), strict=True
    )
    return np.concatenate(logits), np.concatenate(labels)
