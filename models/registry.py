"""The architectures by name. A new one is a file with `build` and a line here."""

import difflib
import importlib
from collections.abc import Callable, Sequence

import keras

_BUILDERS = {
    "unet": "models.unet",
    "unet_light": "models.unet_light",
}


def known_models() -> list[str]:
    """Names that `MODEL` may take, sorted."""
    return sorted(_BUILDERS)


def check_model(name: str) -> None:
    """Raises ValueError, naming the known models and the nearest one, if `name` is unknown."""
    check_name("MODEL", name, known_models())


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
        encoder_weights: `imagenet`, `none`, or a path to a weights file.

    Raises:
        ValueError: unknown name, or a size or weights that the architecture cannot take.
    """
    check_model(name)
    build: Callable[..., keras.Model] = importlib.import_module(_BUILDERS[name]).build
    return build(image_size=image_size, num_classes=num_classes, encoder_weights=encoder_weights)
