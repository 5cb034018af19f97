"""The Trainer against a bare `keras.Model.fit`.

Both train the same network, compiled alike, for the same number of steps of the same size. The
Trainer reads TFRecord shards through the graph that tf.Transform stored, shuffles, augments,
validates, logs and exports, and what counts is the throughput that `models.train.run_fn` itself
reports; the peer has the decoded pixels in memory as NumPy arrays and does nothing else.

    python -m benchmarks.bench_trainer SHARDS GRAPH OUTPUT

trains once, in a process whose memory is measured.
"""

import functools
import json
import sys
import tempfile
from pathlib import Path

import apache_beam as beam
import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf
import tensorflow_transform as tft
import tensorflow_transform.beam as tft_beam
from apache_beam.options.pipeline_options import PipelineOptions
from rich.console import Console
from rich.progress import track
from tensorflow_transform.tf_metadata import dataset_metadata, schema_utils
from tfx.components.trainer.fn_args_utils import FnArgs

from benchmarks import processes
from benchmarks.report import Figure, figure
from models import data, preprocessing, train
from models.callbacks import Throughput
from models.config import TrainingConfig
from tfrecords import synthetic

FEATURES = ("image", "label", "name", "breed", "species")
CONFIG = TrainingConfig(
    recipe="benchmark",
    task="segmentation",
    model="unet",
    encoder_weights="none",
    class_names=("pet", "background", "border"),
    palette=((230, 97, 1), (94, 60, 153), (253, 184, 99)),
    image_size=128,
    batch_size=16,
    epochs=2,
    learning_rate=2e-3,
    weight_decay=1e-4,
    augmentation=1.0,
    patience=2,
    seed=0,
)
Pixels = npt.NDArray[np.float32]

_PEER = "bare keras.Model.fit, pixels in memory"
_TRAIN_IMAGES = 256
_VAL_IMAGES = 16
_STEPS = _TRAIN_IMAGES // CONFIG.batch_size * CONFIG.epochs


def run(rounds: int) -> list[Figure]:
    """Train both in turn: in this process for their speed, each in its own for their memory.

    Args:
        rounds: how often each is measured.

    Returns:
        Training images a second, the first (tracing) step left out of both, and the peak of a
        whole process.
    """
    speed: dict[str, list[float]] = {"ours": [], "peer": []}
    peak: dict[str, list[float]] = {"ours": [], "peer": []}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shards, graph = folder / "shards", folder / "graph"
        synthetic.generate(str(shards), train=_TRAIN_IMAGES, val=_VAL_IMAGES)
        write_transform_graph(graph, folder / "temp")
        arrays = decoded(shards / "train-*", graph, _TRAIN_IMAGES)
        pixels = save(folder, CONFIG, *arrays)
        keras.utils.set_random_seed(CONFIG.seed)
        model = train.compiled_model(CONFIG)
        for number in track(range(rounds), "trainer", console=Console(stderr=True)):
            speed["ours"].append(_trainer(shards, graph, folder / f"run-{number}"))
            speed["peer"].append(_bare_fit(model, *arrays))
            ours = processes.python(
                *("-m", "benchmarks.bench_trainer", shards, graph, folder / f"alone-{number}")
            )
            peer = processes.python("-m", "benchmarks.bare_fit", *pixels)
            peak["ours"].append(ours.peak_mb)
            peak["peer"].append(peer.peak_mb)
    name = f"Trainer, {CONFIG.model}, {CONFIG.image_size} px, batch {CONFIG.batch_size}"
    return [
        figure(name, "images/s", speed["ours"], speed["peer"], _PEER),
        figure(f"{name}, peak memory", "MB", peak["ours"], peak["peer"], _PEER),
    ]


def save(
    folder: Path, config: TrainingConfig, images: Pixels, masks: npt.NDArray[np.uint8]
) -> tuple[Path, Path]:
    """Write what `benchmarks.bare_fit` is told."""
    given, pixels = folder / "config.json", folder / "pixels.npz"
    given.write_text(config.model_dump_json())
    np.savez(pixels, images=images.astype(np.uint8), masks=masks)
    return given, pixels


def _trainer(shards: Path, graph: Path, output: Path) -> float:
    """Images a second as `run_fn` reports them."""
    arguments = FnArgs(
        train_files=[str(shards / "train-*")],
        eval_files=[str(shards / "val-*")],
        transform_graph_path=str(graph),
        transform_output=str(graph),
        serving_model_dir=str(output / "model"),
        model_run_dir=str(output / "run"),
        custom_config={
            "training": CONFIG.model_dump(mode="json"),
            "checkpoints": str(output / "checkpoints"),
            "code_digest": "",
        },
    )
    arguments.num_examples = {"train": _TRAIN_IMAGES, "eval": _VAL_IMAGES}
    train.run_fn(arguments)
    figures = json.loads((output / "run" / train.FIGURES).read_text())
    return figures["images_per_second"]


def _bare_fit(model: keras.Model, images: Pixels, masks: npt.NDArray[np.uint8]) -> float:
    """Images a second of `keras.Model.fit` alone."""
    throughput = Throughput()
    steps = int(model.optimizer.iterations)
    model.fit(
        images,
        masks,
        batch_size=CONFIG.batch_size,
        epochs=CONFIG.epochs,
        callbacks=[throughput],
        verbose=0,
    )
    steps = int(model.optimizer.iterations) - steps
    if steps != _STEPS:
        raise RuntimeError(f"The peer took {steps} steps, the Trainer {_STEPS}.")
    return throughput.images_per_second(CONFIG.batch_size)


def decoded(pattern: Path, graph: Path, count: int) -> tuple[Pixels, npt.NDArray[np.uint8]]:
    """Return a split as arrays: float32 [N, S, S, 3] in 0..255 and uint8 [N, S, S]."""
    split = data.load_split([str(pattern)], tft.TFTransformOutput(str(graph)), tf.uint8, count)
    images, masks = zip(*split.pairs.as_numpy_iterator(), strict=True)
    return np.stack(images).astype(np.float32), np.stack(masks)


def write_transform_graph(path: Path, temporary: Path) -> None:
    """Return what the Transform component writes: the graph of `preprocessing_fn`."""
    spec = {name: tf.io.FixedLenFeature([], tf.string) for name in FEATURES}
    metadata = dataset_metadata.DatasetMetadata(schema_utils.schema_from_feature_spec(spec))
    callback = functools.partial(
        preprocessing.preprocessing_fn,
        custom_config={"image_size": CONFIG.image_size, "task": CONFIG.task},
    )
    options = PipelineOptions(["--runner=DirectRunner", "--direct_running_mode=in_memory"])
    with (
        beam.Pipeline(options=options) as pipeline,
        tft_beam.Context(temp_dir=str(temporary)),
    ):
        # The function has no analyzers: no value of this row is looked at.
        rows = pipeline | beam.Create([dict.fromkeys(FEATURES, b"")])
        graph = (rows, metadata) | tft_beam.AnalyzeDataset(callback)
        _ = graph | tft_beam.WriteTransformFn(str(path))
        raw_metadata = str(path / tft.TFTransformOutput.RAW_METADATA_DIR)
        _ = metadata | tft_beam.WriteMetadata(raw_metadata, pipeline)


if __name__ == "__main__":
    _trainer(*map(Path, sys.argv[1:]))
