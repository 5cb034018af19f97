"""Loads a published model and runs it on pixels."""

import io
import json
import math
import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

LITE_MODEL = "model.tflite"
PROVENANCE = "assets.extra/provenance.json"
_THREADS = 2  # a Space has two processors at least
# Pixels up to which LiteRT computes a mask at its image's own size, as the SavedModel does.
_MAX_MASK = 4_000_000

Pixels = npt.NDArray[np.uint8]
# uint8 [height, width, 3], RGB, to class ids, uint8 [height, width].
Predict = Callable[[Pixels], Pixels]


@dataclass(frozen=True)
class Segmentation:
    """What a model finds in one image.

    Attributes:
        mask: class ids, uint8 [height, width], of the image's own size.
        shares: each class's share of the pixels, 0..1, by name.
        milliseconds: what the model took.
    """

    mask: Pixels
    shares: dict[str, float]
    milliseconds: float


class Model:
    """A model folder: `model.tflite`, or else a SavedModel, with `assets.extra/provenance.json`.

    Several threads may call it at once.

    Args:
        folder: a snapshot of a model repository, or a version that the pipeline pushed.

    Raises:
        ValueError: the folder holds no such model.
    """

    def __init__(self, folder: Path) -> None:
        try:
            provenance: dict[str, Any] = json.loads((folder / PROVENANCE).read_text("utf-8"))
        except FileNotFoundError:
            raise ValueError(
                f"{folder} holds no model of the pipeline: {PROVENANCE} is missing."
            ) from None
        self.description = f"{provenance['model']}, {provenance['image_size']} pixels"
        self.class_names: list[str] = provenance["class_names"]
        self.palette: list[tuple[int, int, int]] = [tuple(rgb) for rgb in provenance["palette"]]
        # A model that was exported before there was a limit tells none.
        self.max_megapixels: float = provenance.get("max_megapixels", 50)
        lite = folder / LITE_MODEL
        self._predict = _lite_model(lite) if lite.exists() else _saved_model(folder)
        # The first image of all takes many times longer: let it be none of a user's.
        self._predict(np.zeros((64, 64, 3), np.uint8))

    def segment(self, pixels: Pixels) -> Segmentation:
        """Finds the class of every pixel.

        Args:
            pixels: uint8 [height, width, 3], RGB.
        """
        start = time.perf_counter()
        mask = self._predict(pixels)
        milliseconds = (time.perf_counter() - start) * 1000
        counts = np.bincount(mask.ravel(), minlength=len(self.class_names))
        shares = dict(zip(self.class_names, (counts / mask.size).tolist(), strict=True))
        return Segmentation(mask, shares, milliseconds)


def _lite_model(path: Path) -> Predict:
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(str(path), num_threads=_THREADS)
    (given,) = interpreter.get_input_details()
    (answer,) = interpreter.get_output_details()
    lock = threading.Lock()  # an interpreter holds one image's tensors
    allocated: tuple[int, ...] = ()

    def run(pixels: Pixels) -> Pixels:
        nonlocal allocated
        with lock:
            if pixels.shape != allocated:
                allocated = ()  # whatever goes wrong on the way
                interpreter.resize_tensor_input(given["index"], [1, *pixels.shape])
                interpreter.allocate_tensors()
                allocated = pixels.shape
            interpreter.set_tensor(given["index"], pixels[np.newaxis])
            interpreter.invoke()
            return interpreter.get_tensor(answer["index"])[0]

    def predict(pixels: Pixels) -> Pixels:
        height, width = pixels.shape[:2]
        scale = math.sqrt(_MAX_MASK / (height * width))
        if scale >= 1:
            return run(pixels)
        size = max(int(width * scale), 1), max(int(height * scale), 1)
        small = Image.fromarray(pixels).resize(size, Image.Resampling.BILINEAR)
        mask = Image.fromarray(run(np.asarray(small)))
        return np.asarray(mask.resize((width, height), Image.Resampling.NEAREST))

    return predict


def _saved_model(folder: Path) -> Predict:
    # TensorFlow's notices about the machine are nothing to act on.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    import tensorflow as tf

    loaded = tf.saved_model.load(str(folder))

    def predict(pixels: Pixels) -> Pixels:
        png = io.BytesIO()
        # Nobody keeps this file: to compress it would only take time.
        Image.fromarray(pixels).save(png, "PNG", compress_level=0)
        answer = loaded.signatures["serving_default"](image_bytes=tf.constant([png.getvalue()]))
        (mask,) = answer["mask_png_bytes"].numpy()
        return np.asarray(Image.open(io.BytesIO(mask)))

    return predict
