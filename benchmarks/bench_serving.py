"""What a served image costs: the SavedModel's `serving_default` beside the bare Keras network.

The signature takes JPEG bytes and answers PNGs of the images' own sizes and the classes' shares;
the peer decodes and resizes the same bytes and runs the network, in one `tf.function` for each
batch size, and leaves its logits where they are.
"""

import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf
from rich.console import Console
from rich.progress import track
from tfx.utils import path_utils

from benchmarks.bench_evaluator import export
from benchmarks.bench_trainer import CONFIG
from benchmarks.report import Figure, figure
from tfrecords.drawing import scenes

_BATCH_SIZES = (1, 8, 32)
_IMAGES = 32
_PASSES = 2  # over all images, a round
_PEER = "bare Keras network behind decode and resize"

Call = Callable[..., Any]


def run(rounds: int) -> list[Figure]:
    """Asks both in turn.

    Args:
        rounds: how often each is measured.

    Returns:
        Milliseconds of an image alone, and images a second for each batch size.
    """
    latency: dict[str, list[float]] = {"ours": [], "peer": []}
    speed: dict[int, dict[str, list[float]]] = {
        size: {"ours": [], "peer": []} for size in _BATCH_SIZES
    }
    jpegs = [scenes.draw(0, index).jpeg() for index in range(_IMAGES)]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        network = export(folder / "graph", folder / "temp", folder / "model")
        loaded = tf.saved_model.load(path_utils.serving_model_path(str(folder / "model")))
        serve = loaded.signatures["serving_default"]
        bare = {size: _bare(network, size) for size in _BATCH_SIZES}
        for number in track(range(rounds + 1), "serving", console=Console(stderr=True)):
            for size in _BATCH_SIZES:
                for who, call in (("ours", serve), ("peer", bare[size])):
                    seconds = _seconds(call, jpegs, size)
                    if number == 0:
                        continue  # both are traced, and ask for their memory
                    speed[size][who].append(size / statistics.mean(seconds))
                    if size == 1:
                        latency[who].append(1000 * statistics.median(seconds))
    what = f"Serving, {CONFIG.model}, {CONFIG.image_size} px"
    return [
        figure(f"{what}, latency", "ms", **latency, peer_name=_PEER),
        *(
            figure(f"{what}, batch {size}", "images/s", **speed[size], peer_name=_PEER)
            for size in _BATCH_SIZES
        ),
    ]


def _seconds(call: Call, jpegs: Sequence[bytes], size: int) -> list[float]:
    """What each batch takes, its answer in hand."""
    taken = []
    for first in list(range(0, len(jpegs), size)) * _PASSES:
        batch = tf.constant(jpegs[first : first + size])
        began = time.perf_counter()
        for answer in tf.nest.flatten(call(image_bytes=batch)):
            answer.numpy()
        taken.append(time.perf_counter() - began)
    return taken


def _bare(network: keras.Model, size: int) -> Call:
    """The network behind decode and resize, for batches of a size."""
    side = CONFIG.image_size

    @tf.function(input_signature=[tf.TensorSpec([size], tf.string, "image_bytes")])
    def call(image_bytes: tf.Tensor) -> tf.Tensor:
        decoded = [tf.io.decode_jpeg(image, channels=3) for image in tf.unstack(image_bytes)]
        resized = [tf.image.resize(image, (side, side)) for image in decoded]
        return network(tf.stack(resized), training=False)

    return call
