"""The figures of the Evaluator component, against NumPy on the served masks."""

import math
import shutil
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_model_analysis as tfma
from tfx.utils import path_utils

from benchmarks.bench_evaluator import evaluate
from models.registry import load_task
from models.tfma_metrics import judged_key
from pipeline.recipes import load_recipe
from tests.models.drawn_pets import (
    CLASS_NAMES,
    Pet,
    count_confusion,
    decode_mask,
    figures,
    write_shard,
)

Slice = tuple[tuple[str, str], ...]
OVERALL: Slice = ()


@pytest.fixture(scope="module")
def masks(saved_model: Path, drawn: list[Pet]) -> dict[Slice, list[tuple[np.ndarray, np.ndarray]]]:
    """By slice, the pairs of true mask and the one that serving_default returns."""
    serve = tf.saved_model.load(str(saved_model)).signatures["serving_default"]
    answer = serve(image_bytes=tf.constant([pet.image for pet in drawn]))
    slices: dict[Slice, list[tuple[np.ndarray, np.ndarray]]] = {}
    for pet, png in zip(drawn, answer["mask_png_bytes"].numpy(), strict=True):
        for key in (OVERALL, (("breed", pet.breed),), (("species", pet.species),)):
            slices.setdefault(key, []).append((pet.mask, decode_mask(png)))
    return slices


def test_equals_numpy_overall_and_in_every_slice(
    drawn: list[Pet],
    masks: dict[Slice, list[tuple[np.ndarray, np.ndarray]]],
    saved_model: Path,
    tmp_path: Path,
) -> None:
    (tmp_path / "examples" / "Split-eval").mkdir(parents=True)
    shard = tmp_path / "examples" / "Split-eval" / "data-00000-of-00001.gz"
    write_shard(shard, [pet.example() for pet in drawn])
    shutil.copytree(saved_model, path_utils.serving_model_path(str(tmp_path / "model")))
    output = evaluate(
        load_recipe("pets"), tmp_path / "examples", tmp_path / "output", tmp_path / "model"
    )
    result = tfma.load_eval_result(str(output / "evaluation"))
    found = result.get_metrics_for_all_slices()
    assert set(found) == set(masks)
    assert len(found) == 1 + 2 + 4
    for key, pairs in masks.items():
        counts = np.sum([count_confusion(*pair, len(CLASS_NAMES)) for pair in pairs], axis=0)
        matrix = found[key].pop("confusion_matrix")["arrayValue"]
        assert matrix["shape"] == [len(CLASS_NAMES)] * 2
        assert matrix["float64Values"] == counts.ravel().tolist()
        values = {name: value["doubleValue"] for name, value in found[key].items()}
        assert values.pop("example_count") == len(pairs)
        assert (
            float(values.pop(judged_key(load_task("segmentation")))) == math.inf
        )  # too few for the recipe's limit of slices
        assert values == pytest.approx(figures(pairs), rel=1e-12)
        assert not any(math.isnan(value) for value in values.values())
