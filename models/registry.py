"""The tasks by name, and their architectures.

A new task is a line here and a folder with a module that has `TASK`, see `models.task`.

A new architecture is a line in its task's `architectures` and a module. On an encoder, it has
`ENCODER`, the default one; `STRIDES`, of the feature maps that it reads; and `build(image_size,
num_outputs, encoder, encoder_weights)`. Without one, it has `STRIDE`, which the side of its input
must be a multiple of; and `build(image_size, num_outputs)`. One that takes something from the
training images before its first step has `adapt(model, images, mean)`: `images` are batches of
them, uint8 [N, S, S, 3], and `mean` averages an array over all machines that train.

A new encoder is a line here and a module, or an object as `module:name`, that is a
`models.task.Encoder`, maybe with `SMALLEST_SIZE`.
"""

from __future__ import annotations

import difflib
import importlib
import pkgutil
from collections.abc import Sequence
from types import ModuleType
from typing import TYPE_CHECKING, cast

from models.backbones.weights import NONE
from models.task import Encoder, Learning, Task

if TYPE_CHECKING:
    import keras  # takes 5 s, which those who only look for a name are spared

# That of models and files of before there was another, which tell none.
FIRST_TASK = "segmentation"
_TASKS = {
    "classification": "models.classification.task",
    "segmentation": "models.segmentation.task",
}
_ENCODERS = {
    "efficientnet_b0": "models.backbones.efficientnet:B0",
    "efficientnet_b1": "models.backbones.efficientnet:B1",
    "efficientnet_b2": "models.backbones.efficientnet:B2",
    "efficientnet_lite0": "models.backbones.efficientnet_lite:LITE0",
    "efficientnet_lite1": "models.backbones.efficientnet_lite:LITE1",
    "efficientnet_lite2": "models.backbones.efficientnet_lite:LITE2",
    "mit_b0": "models.backbones.mit_b0",
    "mobilenet_v2": "models.backbones.mobilenet_v2",
    "resnet_18": "models.backbones.resnet_18",
    "resnet_50": "models.backbones.resnet_50",
}


def known_tasks() -> list[str]:
    """Name that a recipe's `task` may take, sorted."""
    return sorted(_TASKS)


def load_task(name: str) -> Task:
    """Return a task by its name.

    Raises:
        ValueError: unknown name, naming the known tasks and the nearest one.
    """
    check_name("task", name, known_tasks())
    return importlib.import_module(_TASKS[name]).TASK


def load_learning(task: str) -> Learning:
    """Import the functions of a task, and TensorFlow with them."""
    return cast(Learning, importlib.import_module(load_task(task).learning))


def known_models(task: str) -> list[str]:
    """Name that `MODEL` may take in a task, sorted."""
    return sorted(load_task(task).architectures)


def known_encoders() -> list[str]:
    """Name that `ENCODER` may take, sorted."""
    return sorted(_ENCODERS)


def check_model(
    task: str, name: str, image_size: int, encoder_weights: str, encoder: str | None = None
) -> None:
    """Look whether an architecture can be built, without building it.

    Args:
        task: one of `known_tasks()`.
        name: one of the task's `known_models()`.
        image_size: S, pixels.
        encoder_weights: `imagenet`, `none`, or the path of weights.
        encoder: one of `known_encoders()`; None for the architecture's own.

    Raises:
        ValueError: unknown name, naming the known ones and the nearest of them; or an encoder, a
            size or weights that the architecture cannot take; or a package that is not installed.
    """
    architecture = load_architecture(task, name)
    problems = []
    if hasattr(architecture, "ENCODER"):
        found = _encoder(encoder or architecture.ENCODER)
        missing = set(architecture.STRIDES) - set(found.STRIDES)
        if missing:
            strides = " and ".join(map(str, sorted(missing)))
            problems.append(
                f"ENCODER={encoder} does not fit {name}, for it has no feature maps of stride "
                f"{strides}; choose another, or unset it."
            )
        stride = max(found.STRIDES)
        smallest = getattr(found, "SMALLEST_SIZE", stride)
    else:
        if encoder:
            problems.append(
                f"ENCODER={encoder} does not fit {name}, which takes none; unset it, or set "
                "another MODEL."
            )
        stride = smallest = architecture.STRIDE
    if image_size % stride or image_size < smallest:
        problems.append(
            f"IMAGE_SIZE={image_size} does not fit {name}; use a multiple of {stride}, at least "
            f"{smallest}."
        )
    if hasattr(architecture, "ENCODER"):
        try:
            found.check(encoder_weights)
        except ValueError as error:
            problems.append(str(error))
    elif encoder_weights != NONE:
        problems.append(
            f"ENCODER_WEIGHTS={encoder_weights} does not fit {name}, which has no pretrained "
            f"weights; set ENCODER_WEIGHTS={NONE}, or another MODEL."
        )
    if problems:
        raise ValueError(" ".join(problems))


def build_model(
    task: str,
    name: str,
    image_size: int,
    num_outputs: int,
    encoder_weights: str,
    encoder: str | None = None,
) -> keras.Model:
    """Build an architecture: float32 [N, S, S, 3] in 0..255 to the task's logits.

    Args:
        task: as in `check_model`, like all others but one.
        name: likewise.
        image_size: likewise.
        num_outputs: C, channels of the logits, which are the last axis.
        encoder_weights: likewise.
        encoder: likewise.

    Raises:
        ValueError: as `check_model`, or the weights cannot be downloaded or read.
    """
    check_model(task, name, image_size, encoder_weights, encoder)
    architecture = load_architecture(task, name)
    if not hasattr(architecture, "ENCODER"):
        return architecture.build(image_size=image_size, num_outputs=num_outputs)
    return architecture.build(
        image_size=image_size,
        num_outputs=num_outputs,
        encoder=_encoder(encoder or architecture.ENCODER),
        encoder_weights=encoder_weights,
    )


def load_architecture(task: str, name: str) -> ModuleType:
    """Return the module of an architecture, which TensorFlow may come in with."""
    check_name("MODEL", name, known_models(task))
    return importlib.import_module(load_task(task).architectures[name])


def _encoder(name: str) -> Encoder:
    check_name("ENCODER", name, known_encoders())
    return cast(Encoder, pkgutil.resolve_name(_ENCODERS[name]))


def check_name(setting: str, name: str, known: Sequence[str]) -> None:
    """Raise ValueError, naming what is known and the nearest of it, if `name` is not known."""
    if name in known:
        return
    near = difflib.get_close_matches(name, known, n=1)
    hint = f" Did you mean {near[0]}?" if near else ""
    raise ValueError(f"{setting}={name} is unknown; known are {', '.join(known)}.{hint}")
