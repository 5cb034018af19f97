"""Converts the network of an exported SavedModel to LiteRT, with all that stands around it."""

import warnings
from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt
import tensorflow as tf
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

from components.edge_exporter.flatbuffer import Assembly
from components.edge_exporter.variants import FLOAT16, FLOAT32, INT8, VARIANTS
from models import lite
from models.config import TrainingConfig
from models.registry import load_learning
from models.signatures import NETWORK


class ConversionError(ValueError):
    """Why a model has no LiteRT version, in one sentence."""


def convert(
    model: tf.Module, images: Sequence[npt.NDArray[np.float32]], config: TrainingConfig
) -> Iterator[tuple[str, bytes]]:
    """Convert a model once for each of `VARIANTS`.

    Only the network is quantised: what resizes the image and makes the answer stays exact.

    Args:
        model: a SavedModel of `models.signatures`, loaded.
        images: float32 [S, S, 3] in 0..255, preprocessed: what int8 takes the ranges of
            activations from.
        config: what was trained.

    Yields:
        The variant's name and the model: uint8 [1, H, W, 3] RGB, H and W dynamic, to the answer of
        the task's `edge_head`.

    Raises:
        ConversionError: the model has no network to convert, or one that LiteRT cannot run.
    """
    if NETWORK not in model.signatures:
        raise ConversionError(f"The SavedModel has no signature `{NETWORK}`; train it again.")
    network = convert_variables_to_constants_v2(model.signatures[NETWORK])
    answer, head = load_learning(config.task).edge_head(config.image_size, config.num_outputs)
    first = _converted(_converter(lite.resize_image(config.image_size)))
    last = _converted(_converter(head))
    for variant in VARIANTS:
        content = _converted(_variant(variant, network, images))
        made_of = f"{config.recipe}, {config.model}, {variant}"
        whole = Assembly(f"{made_of}: image to {answer.replace('_', ' ')}")
        pixels = whole.append(first)
        logits = whole.append(content, pixels=pixels)
        answered = whole.append(last, image=whole.inputs["image"], logits=logits)
        yield variant, whole.finish(**{answer: answered})


def _variant(
    variant: str,
    network: tf.types.experimental.ConcreteFunction,
    images: Sequence[npt.NDArray[np.float32]],
) -> tf.lite.TFLiteConverter:
    converter = _converter(network)
    if variant != FLOAT32:
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if variant == FLOAT16:
        converter.target_spec.supported_types = [tf.float16]
    if variant == INT8:
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        converter.representative_dataset = lambda: ([image] for image in _calibration(images))
    return converter


def _calibration(
    images: Sequence[npt.NDArray[np.float32]],
) -> Iterator[npt.NDArray[np.float32]]:
    """Return the images, black and white being among the first one's pixels.

    The input's int8 levels are then the 256 levels of the pixels, so that nothing is lost there.
    """
    first = images[0].copy()
    first[0, 0], first[-1, -1] = 0, 255
    return (image[np.newaxis] for image in (first, *images[1:]))


def _converter(function: tf.types.experimental.ConcreteFunction) -> tf.lite.TFLiteConverter:
    return tf.lite.TFLiteConverter.from_concrete_functions([function], tf.Module())


def _converted(converter: tf.lite.TFLiteConverter) -> bytes:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of statistics that this way of quantising needs not
            return converter.convert()
    except Exception as error:  # the converter raises what its many parts happen to
        reason = next(iter(str(error).splitlines()), type(error).__name__)
        raise ConversionError(f"LiteRT's converter refused the model: {reason}") from error
