"""What a served image costs: by the SavedModel's `serving_default`, and over HTTP.

The signature takes JPEG bytes and answers PNGs of the images' own sizes and the classes' shares.
Over HTTP the server has the same model, and the project's client asks it, both in this process. The
peer decodes and resizes the same bytes and runs the bare Keras network, in one `tf.function` for
each batch size, and leaves its logits where they are.
"""

import contextlib
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import httpx2
import keras
import tensorflow as tf
from rich.console import Console
from rich.progress import track
from tfx.utils import path_utils

from benchmarks.bench_evaluator import export
from benchmarks.bench_trainer import CONFIG
from benchmarks.report import Figure, figure
from serving.client import RestClient
from serving.model_server import ModelServer, Options
from tfrecords.drawing import scenes

_BATCH_SIZES = (1, 8, 32)
_IMAGES = 32
_PASSES = 2  # over all images, a round
_ASKED = ("signature", "http", "bare")
_MODEL = "model"
_PEER = "bare Keras network behind decode and resize"

Call = Callable[..., Any]


def run(rounds: int) -> list[Figure]:
    """Ask all in turn.

    Args:
        rounds: how often each is measured.

    Returns:
        Milliseconds of an image alone, and images a second for each batch size; by the signature,
        and over HTTP.
    """
    latency: dict[str, list[float]] = {who: [] for who in _ASKED}
    speed: dict[int, dict[str, list[float]]] = {
        size: {who: [] for who in _ASKED} for size in _BATCH_SIZES
    }
    jpegs = [scenes.draw(0, index).jpeg() for index in range(_IMAGES)]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        network = export(folder / "graph", folder / "temp", folder / "model")
        path = path_utils.serving_model_path(str(folder / "model"))
        signature = tf.saved_model.load(path).signatures["serving_default"]
        bare = {size: _bare(network, size) for size in _BATCH_SIZES}
        with _served(Path(path)) as ask:
            for number in track(range(rounds + 1), "serving", console=Console(stderr=True)):
                for size in _BATCH_SIZES:
                    for who, call in zip(_ASKED, (signature, ask, bare[size]), strict=True):
                        seconds = _seconds(call, jpegs, size)
                        if number == 0:
                            continue  # all are traced, and ask for their memory
                        speed[size][who].append(size / statistics.mean(seconds))
                        if size == 1:
                            latency[who].append(1000 * statistics.median(seconds))
    figures = []
    for who, how in (("signature", ""), ("http", " over HTTP")):
        what = f"Serving{how}, {CONFIG.model}, {CONFIG.image_size} px"
        figures += [
            figure(f"{what}, latency", "ms", latency[who], latency["bare"], _PEER),
            *(
                figure(f"{what}, batch {size}", "images/s", one[who], one["bare"], _PEER)
                for size, one in speed.items()
            ),
        ]
    return figures


@contextlib.contextmanager
def _served(model: Path) -> Iterator[Call]:
    """Give the server over a model, as a call that its client makes."""
    server = ModelServer({_MODEL: model}, Options(port=0), lambda said: None)
    thread = threading.Thread(target=server.run)
    thread.start()
    url = f"http://127.0.0.1:{server.port}"
    client = RestClient(url, _MODEL, label="")

    def ask(image_bytes: tf.Tensor) -> tuple[()]:
        client.predict(image_bytes.numpy().tolist())
        return ()

    try:
        while httpx2.get(f"{url}/readyz").is_error:  # until it has loaded the model
            time.sleep(0.1)
        yield ask
    finally:
        server.stop()
        thread.join()


def _seconds(call: Call, jpegs: Sequence[bytes], size: int) -> list[float]:
    """Return what each batch takes, its answer in hand."""
    taken = []
    for first in list(range(0, len(jpegs), size)) * _PASSES:
        batch = tf.constant(jpegs[first : first + size])
        began = time.perf_counter()
        for answer in tf.nest.flatten(call(image_bytes=batch)):
            answer.numpy()
        taken.append(time.perf_counter() - began)
    return taken


def _bare(network: keras.Model, size: int) -> Call:
    """Return the network behind decode and resize, for batches of a size."""
    side = CONFIG.image_size

    @tf.function(input_signature=[tf.TensorSpec([size], tf.string, "image_bytes")])
    def call(image_bytes: tf.Tensor) -> tf.Tensor:
        decoded = [tf.io.decode_jpeg(image, channels=3) for image in tf.unstack(image_bytes)]
        resized = [tf.image.resize(image, (side, side)) for image in decoded]
        return network(tf.stack(resized), training=False)

    return call
