"""The gate: what the Evaluator component blesses and refuses, and how its verdict reads.

The models judged here answer with a mask that each example brings along, so that every figure is
known; all else is the component.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_model_analysis as tfma
from tfx.utils import path_utils

from benchmarks.bench_evaluator import evaluate
from models import metrics, preprocessing
from pipeline import verdict
from pipeline.recipe import Gate, Recipe, SliceFloor
from pipeline.recipes import load_recipe

PET, BACKGROUND, BORDER = range(3)


class Answering(tf.Module):
    """A model whose prediction is a feature of the example.

    Args:
        feature: the feature: a PNG of class ids.
        without: a count that the model does not have.
    """

    def __init__(self, feature: str, without: str | None = None) -> None:
        super().__init__()
        self._feature = feature
        self._without = without

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, "examples")])
    def evaluate(self, examples: tf.Tensor) -> dict[str, tf.Tensor]:
        names = (preprocessing.LABEL, self._feature)
        spec = {name: tf.io.FixedLenFeature([], tf.string) for name in names}
        parsed = tf.io.parse_example(examples, spec)

        def counts(pair: tuple[tf.Tensor, tf.Tensor]) -> dict[str, tf.Tensor]:
            masks = [preprocessing.decode_mask(png) for png in pair]
            return {
                "confusion_matrix": metrics.confusion_matrix(*masks, 3),
                "boundary_counts": metrics.boundary_counts(*masks, 3),
            }

        specs = {
            "confusion_matrix": tf.TensorSpec([3, 3], tf.float32),
            "boundary_counts": tf.TensorSpec([3, 2], tf.float32),
        }
        found = tf.map_fn(counts, [parsed[name] for name in names], fn_output_signature=specs)
        found["mask_png_bytes"] = parsed[self._feature]
        return {name: count for name, count in found.items() if name != self._without}


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Model artifacts: the candidate, and a baseline from before there were boundary counts."""
    root = tmp_path_factory.mktemp("models")
    modules = {
        "candidate": Answering("candidate"),
        "baseline": Answering("baseline", without="boundary_counts"),
    }

    def exported(name: str) -> Path:
        path = path_utils.serving_model_path(str(root / name))
        if not Path(path).exists():
            module = modules[name]
            tf.saved_model.save(module, path, signatures={"from_examples": module.evaluate})
        return root / name

    return exported


def row(*counts: tuple[int, int]) -> np.ndarray:
    """A mask one pixel high: so many pixels of a class, and so on."""
    return np.concatenate([np.full(count, index, np.uint8) for index, count in counts])[None]


# 100 pixels. Of the model's answer, pet IoU is 40/50, border's 10/20, background's 30/50: 0.633.
TRUTH = row((PET, 50), (BACKGROUND, 30), (BORDER, 20))
ANSWER = row((PET, 40), (BACKGROUND, 10 + 30 + 10), (BORDER, 10))
NOTHING = row((BACKGROUND, 100))  # mean IoU 0.1


def example(species: str | None, **masks: np.ndarray) -> bytes:
    """A labelled image of a species and a breed, with the models' answers."""
    values = {name: tf.io.encode_png(mask[..., None]).numpy() for name, mask in masks.items()}
    if species is not None:
        values |= {"species": species.encode(), "breed": species.upper().encode()}
    features = {
        name: tf.train.Feature(bytes_list=tf.train.BytesList(value=[value]))
        for name, value in values.items()
    }
    return tf.train.Example(features=tf.train.Features(feature=features)).SerializeToString()


def recipe(
    mean: float = 0.0,
    pet: float = 0.0,
    border: float = 0.0,
    max_fall: float = 1.0,
    slice_floor: SliceFloor | None = None,
) -> Recipe:
    """The pets recipe with another gate."""
    gate = Gate(
        min_mean_iou=mean,
        min_class_iou={"pet": pet, "background": 0.0, "border": border},
        max_fall=max_fall,
        slice_floor=slice_floor,
    )
    return load_recipe("pets").model_copy(update={"gate": gate})


@pytest.fixture
def judge(model: Callable[[str], Path], tmp_path: Path) -> Callable[..., list[str]]:
    """Runs the Evaluator and returns the verdict in words."""

    def judged(gated: Recipe, examples: list[bytes], baseline: str | None = None) -> list[str]:
        shards = tmp_path / "examples" / "Split-eval"
        shards.mkdir(parents=True)
        with tf.io.TFRecordWriter(str(shards / "data-00000-of-00001.gz"), "GZIP") as writer:
            for record in examples:
                writer.write(record)
        last_blessed = model(baseline) if baseline else None
        output = evaluate(
            gated, shards.parent, tmp_path / "output", model("candidate"), last_blessed
        )
        reasons = verdict.words(str(output / "evaluation"))
        assert (output / "blessing" / "BLESSED").exists() == (reasons == [])
        return reasons

    return judged


def test_a_model_that_reaches_its_floors_is_blessed(judge: Callable[..., list[str]]) -> None:
    gated = recipe(mean=0.633, pet=0.8, border=0.5)
    assert judge(gated, [example("cat", label=TRUTH, candidate=ANSWER)] * 2) == []


def test_what_lies_below_its_floor_is_named(judge: Callable[..., list[str]]) -> None:
    gated = recipe(mean=0.64, pet=0.8, border=0.55)
    assert judge(gated, [example("cat", label=TRUTH, candidate=ANSWER)]) == [
        "mean IoU 0.633 is below 0.640",
        "border IoU 0.500 is below 0.550",
    ]


@pytest.mark.parametrize("predicted", [False, True])
def test_a_class_that_does_not_occur_cannot_be_judged(
    judge: Callable[..., list[str]], predicted: bool
) -> None:
    truth = row((PET, 50), (BACKGROUND, 50))
    answer = row((PET, 50), (BACKGROUND, 49), (BORDER if predicted else BACKGROUND, 1))
    assert judge(recipe(border=0.25), [example("cat", label=truth, candidate=answer)]) == [
        "border does not occur in the validation split, so its floor 0.250 cannot be judged; add "
        "images of it, or set its floor to 0"
    ]


def test_a_class_without_a_floor_need_not_occur(judge: Callable[..., list[str]]) -> None:
    truth = row((PET, 50), (BACKGROUND, 50))
    assert judge(recipe(mean=1.0, pet=1.0), [example("cat", label=truth, candidate=truth)]) == []


@pytest.mark.parametrize(
    ("max_fall", "reasons"),
    [
        (
            0.02,
            [
                "mean IoU 0.633 is 0.367 below the last blessed model's 1.000, more than the "
                "tolerated 0.020"
            ],
        ),
        (0.4, []),
    ],
)
def test_a_fall_below_the_last_blessed_model(
    judge: Callable[..., list[str]], max_fall: float, reasons: list[str]
) -> None:
    examples = [example("cat", label=TRUTH, candidate=ANSWER, baseline=TRUTH)]
    assert judge(recipe(mean=0.5, max_fall=max_fall), examples, "baseline") == reasons


@pytest.mark.parametrize(
    ("min_examples", "reasons"),
    [
        (
            3,
            [
                "breed DOG: mean IoU 0.100 is below 0.500 (3 images)",
                "species dog: mean IoU 0.100 is below 0.500 (3 images)",
            ],
        ),
        (4, []),
    ],
)
def test_a_weak_slice_is_refused_if_it_is_large_enough(
    judge: Callable[..., list[str]], tmp_path: Path, min_examples: int, reasons: list[str]
) -> None:
    strong = [example("cat", label=TRUTH, candidate=TRUTH)] * 5
    weak = [example("dog", label=TRUTH, candidate=NOTHING)] * 3
    gated = recipe(mean=0.3, slice_floor=SliceFloor(min_mean_iou=0.5, min_examples=min_examples))
    assert judge(gated, strong + weak) == reasons
    result = tfma.load_eval_result(str(tmp_path / "output" / "evaluation"))
    dogs = result.get_metrics_for_all_slices()[(("species", "dog"),)]
    assert dogs["mean_iou"]["doubleValue"] == pytest.approx(0.1)


def test_a_split_without_the_sliced_feature_cannot_be_judged(
    judge: Callable[..., list[str]],
) -> None:
    gated = recipe(slice_floor=SliceFloor(min_mean_iou=0.5, min_examples=1))
    reasons = judge(gated, [example(None, label=TRUTH, candidate=ANSWER)])
    assert sorted(reasons) == [
        f"the validation split holds no image with a {feature}, so nothing can be judged"
        for feature in ("breed", "species")
    ]


def test_a_recipe_has_a_floor_for_every_class_and_slices_for_a_floor_of_slices() -> None:
    pets = load_recipe("pets").model_dump()
    with pytest.raises(ValueError, match="a floor for each of pet, background, border, tail"):
        Recipe(**{**pets, "class_names": (*pets["class_names"], "tail")})
    pets["gate"]["slice_floor"] = {"min_mean_iou": 0.5, "min_examples": 9}
    with pytest.raises(ValueError, match="slice_floor needs slices to judge"):
        Recipe(**{**pets, "slices": ()})
