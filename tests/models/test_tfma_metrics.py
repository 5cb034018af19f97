"""The gate's figures, through TensorFlow Model Analysis, against NumPy on the served masks."""

from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
import tensorflow_model_analysis as tfma
import tensorflow_transform as tft
from apache_beam.options.pipeline_options import PipelineOptions
from drawn_pets import CLASS_NAMES, Pet, count_confusion, decode_mask, ious, write_shard
from tensorflow_model_analysis.proto import validation_result_pb2

from models import signatures
from models.config import TrainingConfig
from pipeline.evaluation import class_iou_name, eval_config
from pipeline.recipe import Gate, Recipe
from pipeline.recipes import load_recipe

Slice = tuple[tuple[str, str], ...]
Figures = dict[str, float]
OVERALL: Slice = ()


def figures(pairs: list[tuple[np.ndarray, np.ndarray]]) -> Figures:
    """Mean IoU and IoU by class of pairs of true and predicted mask."""
    counts = [count_confusion(*pair, len(CLASS_NAMES)) for pair in pairs]
    by_class = ious(np.sum(counts, axis=0))
    return {
        "mean_iou": float(np.mean(by_class)),
        **{class_iou_name(name): iou for name, iou in zip(CLASS_NAMES, by_class, strict=True)},
    }


@pytest.fixture(scope="module")
def expected(saved_model: Path, drawn: list[Pet]) -> dict[Slice, Figures]:
    """By slice, NumPy's figures of the masks that serving_default returns."""
    serve = tf.saved_model.load(str(saved_model)).signatures["serving_default"]
    answer = serve(image_bytes=tf.constant([pet.image for pet in drawn]))
    masks = [decode_mask(png) for png in answer["mask_png_bytes"].numpy()]
    slices: dict[Slice, list[tuple[np.ndarray, np.ndarray]]] = {}
    for pet, mask in zip(drawn, masks, strict=True):
        for key in (OVERALL, (("breed", pet.breed),), (("species", pet.species),)):
            slices.setdefault(key, []).append((pet.mask, mask))
    return {key: figures(pairs) for key, pairs in slices.items()}


@pytest.fixture(scope="module")
def spoiled_model(
    network: keras.Model,
    transform_output: tft.TFTransformOutput,
    config: TrainingConfig,
    shared: Callable[[str, Callable[[Path], None]], Path],
) -> Path:
    """The network with a last bias that makes everything background, exported."""

    def export(folder: Path) -> None:
        spoiled = keras.models.clone_model(network)
        spoiled.set_weights(network.get_weights())
        last = [layer for layer in spoiled.layers if isinstance(layer, keras.layers.Conv2D)][-1]
        last.bias.assign([-100.0, 100.0, -100.0])
        signatures.export(spoiled, transform_output, config, {}, str(folder / "model"))

    return shared("models-spoiled", export) / "model"


@pytest.fixture(scope="module")
def shard(drawn: list[Pet], tmp_path_factory: pytest.TempPathFactory) -> str:
    """The pets as one TFRecord shard."""
    path = tmp_path_factory.mktemp("shard") / "val.tfrecord"
    return write_shard(path, [pet.example() for pet in drawn])


def recipe(min_mean_iou: float, min_class_iou: dict[str, float], max_fall: float) -> Recipe:
    """The pets recipe with another gate."""
    gate = Gate(min_mean_iou=min_mean_iou, min_class_iou=min_class_iou, max_fall=max_fall)
    return load_recipe("pets").model_copy(update={"gate": gate})


def evaluate(
    gated: Recipe, shard: str, output: Path, candidate: Path, baseline: Path | None = None
) -> tuple[tfma.EvalResult, validation_result_pb2.ValidationResult]:
    """What the Evaluator component does: evaluates, compares and validates."""
    config = tfma.utils.update_eval_config_with_defaults(
        eval_config(gated), has_baseline=baseline is not None, rubber_stamp=True
    )
    paths = {tfma.CANDIDATE_KEY: candidate, tfma.BASELINE_KEY: baseline}
    if baseline is None:
        paths = {"": candidate}
    models = [
        tfma.default_eval_shared_model(
            eval_saved_model_path=str(path), model_name=name, eval_config=config
        )
        for name, path in paths.items()
    ]
    tfma.run_model_analysis(
        eval_shared_model=models[0] if baseline is None else models,
        eval_config=config,
        data_location=shard,
        output_path=str(output),
        pipeline_options=PipelineOptions(["--direct_running_mode=in_memory"]),
    )
    name = tfma.CANDIDATE_KEY if baseline else None
    result = tfma.load_eval_result(str(output), model_name=name)
    return result, tfma.load_validation_result(str(output))


def failures(validation: validation_result_pb2.ValidationResult) -> dict[str, Slice]:
    """Names of the metrics below their threshold, with the slice."""
    return {
        failure.metric_key.name: tuple(
            (part.column, part.bytes_value.decode())
            for part in by_slice.slice_key.single_slice_keys
        )
        for by_slice in validation.metric_validations_per_slice
        for failure in by_slice.failures
    }


def just_below(found: Figures) -> tuple[float, dict[str, float]]:
    """Floors that these figures just pass."""
    floors = {name: found[class_iou_name(name)] - 1e-6 for name in CLASS_NAMES}
    return found["mean_iou"] - 1e-6, floors


def test_equals_numpy_overall_and_in_every_slice_and_thresholds_bind_overall(
    expected: dict[Slice, Figures], shard: str, saved_model: Path, tmp_path: Path
) -> None:
    mean, by_class = just_below(expected[OVERALL])
    result, validation = evaluate(recipe(mean, by_class, 0.02), shard, tmp_path, saved_model)

    found = {
        key: {name: value["doubleValue"] for name, value in found.items()}
        for key, found in result.get_metrics_for_all_slices().items()
    }
    assert set(found) == set(expected)
    assert len(found) == 1 + 2 + 4
    for key, numpy_figures in expected.items():
        counted = found[key].pop("example_count")
        assert counted == {OVERALL: 12}.get(key, 6 if key and key[0][0] == "species" else 3)
        assert found[key] == pytest.approx(numpy_figures, rel=1e-12)

    lowest = min(numpy_figures["mean_iou"] for numpy_figures in expected.values())
    assert lowest < mean, "no slice lies below the floor: the test would show nothing"
    assert validation.validation_ok
    assert failures(validation) == {}


def test_a_model_below_its_floors_is_refused_with_the_failing_metrics(
    expected: dict[Slice, Figures], shard: str, saved_model: Path, tmp_path: Path
) -> None:
    mean, by_class = just_below(expected[OVERALL])
    by_class["border"] += 1e-3
    gated = recipe(mean + 1e-3, by_class, 0.02)
    _, validation = evaluate(gated, shard, tmp_path, saved_model)
    assert not validation.validation_ok
    assert failures(validation) == {"mean_iou": OVERALL, "iou_border": OVERALL}


@pytest.mark.parametrize(("max_fall", "blessed"), [(0.001, False), (1.0, True)])
def test_a_model_that_falls_too_far_below_the_last_blessed_one_is_refused(
    drawn: list[Pet],
    expected: dict[Slice, Figures],
    shard: str,
    saved_model: Path,
    spoiled_model: Path,
    tmp_path: Path,
    max_fall: float,
    blessed: bool,
) -> None:
    everything_background = figures([(pet.mask, np.ones_like(pet.mask)) for pet in drawn])
    # Whichever of the two is worse is the candidate.
    ranked = sorted(
        [
            (expected[OVERALL]["mean_iou"], saved_model),
            (everything_background["mean_iou"], spoiled_model),
        ]
    )
    (worse, candidate), (better, baseline) = ranked
    assert better - worse > 0.001
    gated = recipe(0.0, dict.fromkeys(CLASS_NAMES, 0.0), max_fall)
    result, validation = evaluate(gated, shard, tmp_path, candidate, baseline)
    assert result.get_metrics_for_slice()["mean_iou"]["doubleValue"] == pytest.approx(worse)
    assert validation.validation_ok == blessed
    assert failures(validation) == ({} if blessed else {"mean_iou": OVERALL})
