"""Runs a published model on pixels, by whichever runtime it is for."""

import io
import json
import math
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

LITE_MODEL = "model.tflite"
PROVENANCE = "assets.extra/provenance.json"
_DRAWN = "scenes"  # the recipe whose data are drawn by a program
_THREADS = 2  # a Space has two processors at least
# Pixels up to which LiteRT takes an image at its own size; it computes on floats.
_MAX_PIXELS = 4_000_000

Pixels = npt.NDArray[np.uint8]


class PublishedModel:
    """A model folder: `model.tflite`, or else a SavedModel, with `assets.extra/provenance.json`.

    Several threads may call it at once.

    Attributes:
        provenance: what the model was made with.
        description: of the model, in a few words.
        class_names: by class id.
        max_megapixels: the largest image that it takes, in millions of pixels.
        run: from an image, uint8 [height, width, 3] RGB, to the output for it: an array, or bytes.

    Args:
        folder: a snapshot of a model repository, or a version that the pipeline pushed.
        task: what the model must do, by name.
        output: name of the output of `serving_default` that is wanted; a LiteRT model has but one.

    Raises:
        ValueError: the folder holds no such model.
    """

    def __init__(self, folder: Path, task: str, output: str) -> None:
        self.provenance = read_provenance(folder, task)
        self.description = f"{self.provenance['model']}, {self.provenance['image_size']} pixels"
        if self.provenance.get("recipe") == _DRAWN:
            self.description += ", trained on drawings"
        self.class_names: list[str] = self.provenance["class_names"]
        # A model that was exported before there was a limit tells none.
        self.max_megapixels: float = self.provenance.get("max_megapixels", 50)
        lite = folder / LITE_MODEL
        self.run = _load_lite_model(lite) if lite.exists() else _load_saved_model(folder, output)
        # The first image of all takes many times longer: let it be none of a user's.
        self.run(np.zeros((64, 64, 3), np.uint8))


def read_provenance(folder: Path, task: str) -> dict[str, Any]:
    """Return what the model in a folder was made with.

    Args:
        folder: a snapshot of a model repository, or a version that the pipeline pushed.
        task: what the model must do, by name.

    Raises:
        ValueError: the folder holds no model of the pipeline, or one of another task.
    """
    try:
        provenance: dict[str, Any] = json.loads((folder / PROVENANCE).read_text("utf-8"))
    except FileNotFoundError:
        raise ValueError(
            f"{folder} holds no model of the pipeline: {PROVENANCE} is missing."
        ) from None
    # A model that was exported before there was another task tells none.
    told = provenance.get("task", "segmentation")
    if told != task:
        raise ValueError(
            f"The model in {folder} is one of {told}, and this app shows {task}: serve it with the "
            "app of its own task."
        )
    return provenance


def _load_lite_model(path: Path) -> Callable[[Pixels], npt.NDArray[Any]]:
    """Load a LiteRT model of one output; several threads may call it at once.

    Returns:
        From an image, uint8 [height, width, 3] RGB, which may be shrunk, to the output, its first
        dimension left out.
    """
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(str(path), num_threads=_THREADS)
    (given,) = interpreter.get_input_details()
    (answer,) = interpreter.get_output_details()
    lock = threading.Lock()  # an interpreter holds one image's tensors
    allocated: tuple[int, ...] = ()

    def run(pixels: Pixels) -> npt.NDArray[Any]:
        nonlocal allocated
        pixels = _shrink(pixels)
        with lock:
            if pixels.shape != allocated:
                allocated = ()  # whatever goes wrong on the way
                interpreter.resize_tensor_input(given["index"], [1, *pixels.shape])
                interpreter.allocate_tensors()
                allocated = pixels.shape
            interpreter.set_tensor(given["index"], pixels[np.newaxis])
            interpreter.invoke()
            return interpreter.get_tensor(answer["index"])[0]

    return run


def _shrink(pixels: Pixels) -> Pixels:
    """Return an image, uint8 [height, width, 3], no larger than LiteRT takes it; most are so."""
    height, width = pixels.shape[:2]
    scale = math.sqrt(_MAX_PIXELS / (height * width))
    if scale >= 1:
        return pixels
    size = max(int(width * scale), 1), max(int(height * scale), 1)
    return np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.BILINEAR))


def _load_saved_model(folder: Path, output: str) -> Callable[[Pixels], Any]:
    """Load a SavedModel; several threads may call it at once.

    Args:
        folder: of the model.
        output: name of the output of `serving_default` that is wanted.

    Returns:
        From an image, uint8 [height, width, 3] RGB, to the output's one value for it: an array, or
        bytes.
    """
    import tensorflow as tf

    loaded = tf.saved_model.load(str(folder))

    def run(pixels: Pixels) -> Any:
        png = io.BytesIO()
        # Nobody keeps this file: to compress it would only take time.
        Image.fromarray(pixels).save(png, "PNG", compress_level=0)
        answer = loaded.signatures["serving_default"](image_bytes=tf.constant([png.getvalue()]))
        (value,) = answer[output].numpy()
        return value

    return run
