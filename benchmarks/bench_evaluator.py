"""The Evaluator component against a bare loop over the same signature.

The component reads shards with Beam, runs the exported model's `from_examples`, slices by species
and breed, derives every figure and writes the verdict; the peer holds the same examples in memory,
calls the same signature on batches of them and drops the answers.
"""

import tempfile
import time
from pathlib import Path

import keras
import tensorflow as tf
import tensorflow_model_analysis as tfma
import tensorflow_transform as tft
from rich.console import Console
from rich.progress import track
from tfx.types import artifact_utils, standard_artifacts
from tfx.types.artifact import Artifact
from tfx.utils import path_utils, proto_utils

from benchmarks.bench_trainer import CONFIG, write_transform_graph
from benchmarks.report import Figure, figure
from components.evaluator.executor import Executor
from models import registry, signatures
from pipeline.engines import LOCAL_BEAM_ARGS
from pipeline.evaluation import eval_config
from pipeline.recipe import Recipe
from pipeline.recipes import load_recipe
from tfrecords import synthetic

_IMAGES = 480
_START_UP_IMAGES = 8
_BATCH_SIZE = 32


def run(rounds: int) -> list[Figure]:
    """Evaluate both ways in turn.

    Args:
        rounds: how often each is measured.

    Returns:
        Two figures, in images a second: of the whole, start-up included, and beyond the start-up,
        which is what a few images take.
    """
    speed: dict[str, list[float]] = {"ours": [], "peer": [], "ours beyond": [], "peer beyond": []}
    recipe = load_recipe("scenes")
    with tempfile.TemporaryDirectory() as folder:
        model, few, many = Path(folder, "model"), Path(folder, "few"), Path(folder, "many")
        export(Path(folder, "graph"), Path(folder, "temp"), model)
        for examples, images in ((few, _START_UP_IMAGES), (many, _IMAGES)):
            shards = examples / "Split-eval"
            synthetic.generate(str(shards), train=1, val=images, num_shards=1)
            next(shards.glob("train-*")).unlink()
            (shards / "dataset.json").unlink()
        _ours(recipe, few, model, Path(folder, "warm-up"))
        _peer(few, model)
        for number in track(range(rounds), "evaluator", console=Console(stderr=True)):
            for who in ("ours", "peer"):
                seconds = []
                for examples in (few, many):
                    began = time.perf_counter()
                    if who == "ours":
                        output = Path(folder, f"{examples.name}-{number}")
                        images = _ours(recipe, examples, model, output)
                    else:
                        images = _peer(examples, model)
                    seconds.append(time.perf_counter() - began)
                if images != _IMAGES:
                    raise RuntimeError(f"{who} took {images} images of {_IMAGES}.")
                speed[who].append(_IMAGES / seconds[1])
                more = _IMAGES - _START_UP_IMAGES
                speed[f"{who} beyond"].append(more / (seconds[1] - seconds[0]))
    name, peer = (
        f"Evaluator, {CONFIG.model}, {CONFIG.image_size} px",
        "bare loop over from_examples",
    )
    return [
        figure(f"{name}, {_IMAGES} images", "images/s", speed["ours"], speed["peer"], peer),
        figure(
            f"{name}, beyond start-up", "images/s", speed["ours beyond"], speed["peer beyond"], peer
        ),
    ]


def evaluate(
    recipe: Recipe, examples: Path, output: Path, candidate: Path, baseline: Path | None = None
) -> Path:
    """Run the Evaluator component as the local engine does.

    Args:
        recipe: metrics, slices and gate.
        examples: folder of a folder `Split-eval` of shards.
        output: folder to make, for `evaluation` and `blessing`.
        candidate: folder of the model artifact to judge.
        baseline: the last blessed one's, if any.

    Returns:
        `output`; the candidate is blessed if it holds `blessing/BLESSED`.
    """
    split: Artifact = standard_artifacts.Examples()
    split.uri = str(examples)
    split.split_names = artifact_utils.encode_split_names(["eval"])
    inputs = {"examples": [split]}
    for key, path in (("model", candidate), ("baseline_model", baseline)):
        if path is not None:
            inputs[key] = [standard_artifacts.Model()]
            inputs[key][0].uri = str(path)
    outputs: dict[str, list[Artifact]] = {
        "evaluation": [standard_artifacts.ModelEvaluation()],
        "blessing": [standard_artifacts.ModelBlessing()],
    }
    for key, [artifact] in outputs.items():
        artifact.uri = str(output / key)
        (output / key).mkdir(parents=True)
    context = Executor.Context(beam_pipeline_args=LOCAL_BEAM_ARGS, tmp_dir=str(output / "tmp"))
    properties = {"eval_config": proto_utils.proto_to_json(eval_config(recipe))}
    Executor(context).Do(inputs, outputs, {**properties, "example_splits": "null"})
    return output


def _ours(recipe: Recipe, examples: Path, model: Path, output: Path) -> int:
    """Run the component; return how many images it counted."""
    evaluation = evaluate(recipe, examples, output, model) / "evaluation"
    overall = tfma.load_eval_result(str(evaluation)).get_metrics_for_slice(())
    return int(overall["example_count"]["doubleValue"])


def _peer(examples: Path, model: Path) -> int:
    """Load the model and call its signature on everything; return for how many images."""
    loaded = tf.saved_model.load(path_utils.serving_model_path(str(model)))
    shards = [str(path) for path in sorted((examples / "Split-eval").glob("val-*"))]
    images = 0
    for batch in tf.data.TFRecordDataset(shards).batch(_BATCH_SIZE):
        images += len(loaded.signatures["from_examples"](examples=batch)["confusion_matrix"])
    return images


def export(graph: Path, temporary: Path, model: Path) -> keras.Model:
    """Write an untrained network as the Trainer would, in float32; return it."""
    write_transform_graph(graph, temporary)
    keras.utils.set_random_seed(CONFIG.seed)
    network = registry.build_model(
        CONFIG.task, CONFIG.model, CONFIG.image_size, CONFIG.num_outputs, CONFIG.encoder_weights
    )
    signatures.export(
        network,
        tft.TFTransformOutput(str(graph)),
        CONFIG,
        {},
        path_utils.serving_model_path(str(model)),
    )
    return network
