"""Runs a LiteRT model, and measures it."""

import statistics
import time
from typing import Any

import numpy as np
import numpy.typing as npt
from ai_edge_litert.interpreter import Interpreter

THREADS = 2
_TIMED_CALLS = 20

Pixels = npt.NDArray[np.uint8]


class LiteModel:
    """A LiteRT model from an image's pixels to its answer.

    Args:
        content: as `convert` makes it.

    Raises:
        ValueError: it is no model that LiteRT runs.
    """

    def __init__(self, content: bytes) -> None:
        self._interpreter = Interpreter(model_content=content, num_threads=THREADS)
        (self._image,) = self._interpreter.get_input_details()
        (self._answer,) = self._interpreter.get_output_details()
        self._shape: tuple[int, ...] = ()

    def answer(self, pixels: Pixels) -> npt.NDArray[Any]:
        """Answer an image, uint8 [H, W, 3], as the task does; masks are class ids, uint8 [H, W]."""
        if pixels.shape != self._shape:
            self._shape = ()
            self._interpreter.resize_tensor_input(self._image["index"], [1, *pixels.shape])
            self._interpreter.allocate_tensors()
            self._shape = pixels.shape
        self._interpreter.set_tensor(self._image["index"], pixels[np.newaxis])
        self._interpreter.invoke()
        return self._interpreter.get_tensor(self._answer["index"])[0]

    def milliseconds(self, pixels: Pixels) -> float:
        """Median of some calls on an image."""
        self.answer(pixels)
        spent = []
        for _ in range(_TIMED_CALLS):
            start = time.perf_counter()
            self.answer(pixels)
            spent.append(time.perf_counter() - start)
        return round(1000 * statistics.median(spent), 3)
