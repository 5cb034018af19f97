"""Puts tensors of a file of PyTorch's into layers that have their names."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import keras
import numpy as np
from keras import layers

from models.backbones.torch_file import read_tensors
from tfrecords.restricted_pickle import PickleFault

_COUNTER = "num_batches_tracked"  # of batch normalisation, which nothing reads


def layer_name(name: str) -> str:
    """Name a layer as its tensors are; TensorFlow allows no name that begins with an underscore."""
    return name.removeprefix("_")


def load(model: keras.Model, path: str, left_out: Sequence[str]) -> None:
    """Set all weights of a model: convolutions without bias, and batch normalisations.

    Args:
        model: whose layers have names of `layer_name`.
        path: of the file.
        left_out: modules of the file that the model does not have.

    Raises:
        PickleFault: the file is damaged, holds anything but tensors, or does not have the model's.
            The model is as it was then.
        OSError: it cannot be read.
    """
    tensors = read_tensors(path)
    places = {
        f"_{layer.name}.{part}": (variable, order)
        for layer in model.layers
        for part, variable, order in _parts(layer)
    }
    unknown = [
        name
        for name in tensors
        if name not in places
        and not name.startswith(tuple(f"{module}." for module in left_out))
        and not name.endswith(f".{_COUNTER}")
    ]
    if unknown:
        raise PickleFault(f"has the unknown tensor {ascii(unknown[0])[1:-1]}")
    values = []
    for name, (variable, order) in places.items():
        if name not in tensors:
            raise PickleFault(f"lacks the tensor {name}")
        tensor, shape = tensors[name], tuple(variable.shape)
        expected = tuple(shape[order.index(axis)] for axis in range(len(order)))
        if tensor.shape != expected or tensor.dtype != np.float32:
            raise PickleFault(
                f"has the tensor {name} as {tensor.dtype} {list(tensor.shape)}; expected float32 "
                f"{list(expected)}"
            )
        values.append(tensor.transpose(order))
    for (variable, _), value in zip(places.values(), values, strict=True):
        variable.assign(value)


def _parts(layer: keras.Layer) -> Iterator[tuple[str, keras.Variable, tuple[int, ...]]]:
    """Yield a layer's tensors: name, variable, and order of the tensor's axes in the variable."""
    match layer:
        case layers.DepthwiseConv2D():
            yield "weight", layer.kernel, (2, 3, 0, 1)
        case layers.Conv2D():
            yield "weight", layer.kernel, (2, 3, 1, 0)
        case layers.BatchNormalization():
            yield "weight", layer.gamma, (0,)
            yield "bias", layer.beta, (0,)
            yield "running_mean", layer.moving_mean, (0,)
            yield "running_var", layer.moving_variance, (0,)
