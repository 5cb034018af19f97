"""The architectures by name.

A new one is a line here and a module with `STRIDE`, which the side of its input must be a multiple
of (and `SMALLEST_SIZE`, if that is more); `check(encoder_weights)`, which raises ValueError if
something it needs is not there; and `build(image_size, num_classes, encoder_weights)`.
"""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import keras  # takes 5 s, which those who only look for a name are spared

_MODULES = {
    "deeplabv3plus": "models.deeplabv3plus",
    "segformer": "models.segformer",
    "unet": "models.unet",
    "unet_light": "models.unet_light",
}


def known_models() -> list[str]:
    """Names that `MODEL` may take, sorted."""
    return sorted(_MODULES)


def check_model(name: str, image_size: int, encoder_weights: str) -> None:
    """Looks whether an architecture can be built, without building it.

    Args:
        name: one of `known_models()`.
        image_size: S, pixels.
        encoder_weights: `imagenet`, `none`, or the path of weights.

    Raises:
        ValueError: unknown name, naming the known models and the nearest one; or a size or weights
            that the architecture cannot take; or a package that is not installed.
    """
    check_name("MODEL", name, known_models())
    architecture = importlib.import_module(_MODULES[name])
    problems = []
    stride = architecture.STRIDE
    smallest = getattr(architecture, "SMALLEST_SIZE", stride)
    if image_size % stride or image_size < smallest:
        problems.append(
            f"IMAGE_SIZE={image_size} does not fit {name}; use a multiple of {stride}, at least "
            f"{smallest}."
        )
    try:
        architecture.check(encoder_weights)
    except ValueError as error:
        problems.append(str(error))
    if problems:
        raise ValueError(" ".join(problems))


def check_name(setting: str, name: str, known: Sequence[str]) -> None:
    """Raises ValueError, naming what is known and the nearest of it, if `name` is not known."""
    if name in known:
        return
    near = difflib.get_close_matches(name, known, n=1)
    hint = f" Did you mean {near[0]}?" if near else ""
    raise ValueError(f"{setting}={name} is unknown; known are {', '.join(known)}.{hint}")


def build_model(name: str, image_size: int, num_classes: int, encoder_weights: str) -> keras.Model:
    """Builds an architecture: float32 [N, S, S, 3] in 0..255 to logits float32 [N, S, S, C].

    Args:
        name: one of `known_models()`.
        image_size: S, pixels.
        num_classes: C.
        encoder_weights: `imagenet`, `none`, or the path of weights.

    Raises:
        ValueError: as `check_model`, or the weights cannot be downloaded or read.
    """
    check_model(name, image_size, encoder_weights)
    return importlib.import_module(_MODULES[name]).build(
        image_size=image_size, num_classes=num_classes, encoder_weights=encoder_weights
    )
