"""The Trainer against a bare `keras.Model.fit`.

Both train the same network, compiled alike, for the same number of steps of the same size. The
Trainer reads TFRecord shards through the graph that tf.Transform stored, shuffles, augments,
validates, logs and exports, and what counts is the throughput that `models.train.run_fn` itself
reports; the peer has the decoded pixels in memory as NumPy arrays and does nothing else.
"""

import functools
import json
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

from benchmarks.report import Figure, figure
from models import data, preprocessing, train
from models.callbacks import Throughput
from models.config import TrainingConfig
from tfrecords import synthetic

_FEATURES = ("image", "label", "name", "breed", "species")
_CONFIG = TrainingConfig(
    recipe="benchmark",
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
_TRAIN_IMAGES = 256
_VAL_IMAGES = 16
_STEPS = _TRAIN_IMAGES // _CONFIG.batch_size * _CONFIG.epochs


def run(rounds: int) -> list[Figure]:
    """Trains both in turn.

    Args:
        rounds: how often each is measured.

    Returns:
        One figure, in training images a second, the first (tracing) step left out of both.
    """
    ours: list[float] = []
    peer: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        shards, graph = Path(folder, "shards"), Path(folder, "graph")
        synthetic.generate(str(shards), train=_TRAIN_IMAGES, val=_VAL_IMAGES)
        _write_transform_graph(graph, Path(folder, "temp"))
        arrays = _decoded(shards, graph)
        keras.utils.set_random_seed(_CONFIG.seed)
        model = train.compiled_model(_CONFIG)
        for number in track(range(rounds), "trainer", console=Console(stderr=True)):
            ours.append(_trainer(shards, graph, Path(folder, f"run-{number}")))
            peer.append(_bare_fit(model, *arrays))
    name = f"Trainer, {_CONFIG.model}, {_CONFIG.image_size} px, batch {_CONFIG.batch_size}"
    return [figure(name, "images/s", ours, peer, "bare keras.Model.fit, pixels in memory")]


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
            "training": _CONFIG.model_dump(mode="json"),
            "checkpoints": str(output / "checkpoints"),
            "code_digest": "",
        },
    )
    arguments.num_examples = {"train": _TRAIN_IMAGES, "eval": _VAL_IMAGES}
    train.run_fn(arguments)
    figures = json.loads((output / "run" / train.FIGURES).read_text())
    return figures["images_per_second"]


def _bare_fit(
    model: keras.Model, images: npt.NDArray[np.float32], masks: npt.NDArray[np.uint8]
) -> float:
    """Images a second of `keras.Model.fit` alone."""
    throughput = Throughput()
    steps = int(model.optimizer.iterations)
    model.fit(
        images,
        masks,
        batch_size=_CONFIG.batch_size,
        epochs=_CONFIG.epochs,
        callbacks=[throughput],
        verbose=0,
    )
    steps = int(model.optimizer.iterations) - steps
    if steps != _STEPS:
        raise RuntimeError(f"The peer took {steps} steps, the Trainer {_STEPS}.")
    return throughput.images_per_second(_CONFIG.batch_size)


def _decoded(shards: Path, graph: Path) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.uint8]]:
    """The training split as arrays: float32 [N, S, S, 3] in 0..255 and uint8 [N, S, S]."""
    output = tft.TFTransformOutput(str(graph))
    split = data.load_split([str(shards / "train-*")], output, _TRAIN_IMAGES)
    images, masks = zip(*split.as_numpy_iterator(), strict=True)
    return np.stack(images).astype(np.float32), np.stack(masks)


def _write_transform_graph(path: Path, temporary: Path) -> None:
    """What the Transform component writes: the graph of `preprocessing_fn`."""
    spec = {name: tf.io.FixedLenFeature([], tf.string) for name in _FEATURES}
    metadata = dataset_metadata.DatasetMetadata(schema_utils.schema_from_feature_spec(spec))
    callback = functools.partial(
        preprocessing.preprocessing_fn, custom_config={"image_size": _CONFIG.image_size}
    )
    options = PipelineOptions(["--runner=DirectRunner", "--direct_running_mode=in_memory"])
    with (
        beam.Pipeline(options=options) as pipeline,
        tft_beam.Context(temp_dir=str(temporary)),
    ):
        # The function has no analyzers: no value of this row is looked at.
        rows = pipeline | beam.Create([dict.fromkeys(_FEATURES, b"")])
        graph = (rows, metadata) | tft_beam.AnalyzeDataset(callback)
        _ = graph | tft_beam.WriteTransformFn(str(path))
        raw_metadata = str(path / tft.TFTransformOutput.RAW_METADATA_DIR)
        _ = metadata | tft_beam.WriteMetadata(raw_metadata, pipeline)
