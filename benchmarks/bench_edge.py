"""The models for the edge beside the SavedModel that they are made from, an image at a time.

Both take JPEG bytes and answer the PNG of a mask of the image's own size: LiteRT, which knows
nothing but pixels, with Pillow before and behind it.
"""

import io
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import tensorflow as tf
from PIL import Image
from rich.console import Console
from rich.progress import track
from tfx.utils import path_utils

from benchmarks.bench_evaluator import export
from benchmarks.bench_trainer import CONFIG
from benchmarks.report import Figure, figure
from components.edge_exporter.convert import FLOAT32, INT8, convert
from components.edge_exporter.runtime import LiteModel
from tfrecords.drawing import scenes

_IMAGES = 32
_PEER = "SavedModel, float32"

Answer = Callable[[bytes], bytes]  # JPEG to PNG


def run(rounds: int) -> list[Figure]:
    """Ask all in turn.

    Args:
        rounds: how often each is measured.

    Returns:
        Milliseconds of an image, of the float32 model and of the int8 model.
    """
    jpegs = [scenes.draw(0, index).jpeg() for index in range(_IMAGES)]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        export(folder / "graph", folder / "temp", folder / "model")
        model = tf.saved_model.load(path_utils.serving_model_path(str(folder / "model")))
        answers = {_PEER: _served(model)}
        for variant, content in convert(model, [_pixels(jpeg) for jpeg in jpegs], CONFIG):
            if variant in (FLOAT32, INT8):
                answers[variant] = _lite(content)
        taken: dict[str, list[float]] = {who: [] for who in answers}
        for number in track(range(rounds + 1), "edge", console=Console(stderr=True)):
            for who, answer in answers.items():
                milliseconds = [_milliseconds(answer, jpeg) for jpeg in jpegs]
                if number:  # after a round to warm up
                    taken[who].append(statistics.median(milliseconds))
    what = f"LiteRT, {CONFIG.model}, {CONFIG.image_size} px"
    return [
        figure(f"{what}, {variant}, latency", "ms", taken[variant], taken[_PEER], _PEER)
        for variant in (FLOAT32, INT8)
    ]


def _milliseconds(answer: Answer, jpeg: bytes) -> float:
    began = time.perf_counter()
    png = answer(jpeg)
    taken = 1000 * (time.perf_counter() - began)
    if Image.open(io.BytesIO(png)).size != Image.open(io.BytesIO(jpeg)).size:
        raise RuntimeError("A mask is not of its image's size.")
    return taken


def _pixels(jpeg: bytes) -> npt.NDArray[np.float32]:
    """Return what the network takes: float32 [S, S, 3] in 0..255."""
    image = Image.open(io.BytesIO(jpeg)).resize((CONFIG.image_size, CONFIG.image_size))
    return np.asarray(image, np.float32)


def _served(model: tf.Module) -> Answer:
    def answer(jpeg: bytes) -> bytes:
        [png] = model.signatures["serving_default"](tf.constant([jpeg]))["mask_png_bytes"].numpy()
        return png

    return answer


def _lite(content: bytes) -> Answer:
    model = LiteModel(content)

    def answer(jpeg: bytes) -> bytes:
        png = io.BytesIO()
        Image.fromarray(model.answer(np.asarray(Image.open(io.BytesIO(jpeg))))).save(png, "PNG")
        return png.getvalue()

    return answer
