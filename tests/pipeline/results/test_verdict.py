"""The gate: what the Evaluator component blesses and refuses, and how its verdict reads.

The models judged here answer with a mask that each example brings along, so that every figure is
known; all else is the component.
"""

from collections.abc import Callable
from pathlib import Path

import pytest
import tensorflow_model_analysis as tfma

from pipeline.recipe import Recipe, SliceLimit
from pipeline.recipes import load_recipe
from pipeline.results import verdict
from tests.answering import (
    ANSWER,
    BACKGROUND,
    BORDER,
    NOTHING,
    PET,
    TRUTH,
    example,
    recipe,
    row,
)


@pytest.fixture
def judge(evaluated: Callable[..., Path]) -> Callable[..., list[str]]:
    """Runs the Evaluator and returns the verdict in words."""

    def judged(gated: Recipe, examples: list[bytes], baseline: str | None = None) -> list[str]:
        output = evaluated(gated, examples, baseline)
        reasons = verdict.words(str(output / "evaluation"))
        assert (output / "blessing" / "BLESSED").exists() == (reasons == [])
        return reasons

    return judged


def test_a_model_that_meets_its_limits_is_blessed(judge: Callable[..., list[str]]) -> None:
    gated = recipe(mean=0.633, pet=0.8, border=0.5)
    assert judge(gated, [example("cat", label=TRUTH, candidate=ANSWER)] * 2) == []


def test_without_a_limit_and_a_baseline_any_model_is_blessed(
    judge: Callable[..., list[str]],
) -> None:
    assert judge(recipe(), [example("cat", label=TRUTH, candidate=NOTHING)]) == []


def test_what_misses_its_limit_is_named(judge: Callable[..., list[str]]) -> None:
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
        "border does not occur in the validation split, so its limit 0.250 cannot be judged; add "
        "images of it, or leave its limit out"
    ]


def test_a_class_without_a_limit_need_not_occur(judge: Callable[..., list[str]]) -> None:
    truth = row((PET, 50), (BACKGROUND, 50))
    assert judge(recipe(mean=1.0, pet=1.0), [example("cat", label=truth, candidate=truth)]) == []


@pytest.mark.parametrize(
    ("max_drop", "reasons"),
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
    judge: Callable[..., list[str]], max_drop: float, reasons: list[str]
) -> None:
    examples = [example("cat", label=TRUTH, candidate=ANSWER, baseline=TRUTH)]
    assert judge(recipe(mean=0.5, max_drop=max_drop), examples, "baseline") == reasons


@pytest.mark.parametrize("baseline", ["of another recipe", "of other classes"])
def test_a_model_of_another_recipe_or_of_other_classes_is_no_baseline(
    judge: Callable[..., list[str]], baseline: str
) -> None:
    examples = [example("cat", label=TRUTH, candidate=ANSWER, baseline=TRUTH)]
    assert judge(recipe(mean=0.5, max_drop=0.02), examples, baseline) == []


def test_a_model_that_is_gone_is_no_baseline(judge: Callable[..., list[str]]) -> None:
    examples = [example("cat", label=TRUTH, candidate=ANSWER, baseline=TRUTH)]
    assert judge(recipe(mean=0.5, max_drop=0.02), examples, "gone") == []


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
    gated = recipe(mean=0.3, slice_limit=SliceLimit(limit=0.5, min_examples=min_examples))
    assert judge(gated, strong + weak) == reasons
    result = tfma.load_eval_result(str(tmp_path / "output" / "evaluation"))
    dogs = result.get_metrics_for_all_slices()[(("species", "dog"),)]
    assert dogs["mean_iou"]["doubleValue"] == pytest.approx(0.1)


def test_a_split_without_the_sliced_feature_cannot_be_judged(
    judge: Callable[..., list[str]],
) -> None:
    gated = recipe(slice_limit=SliceLimit(limit=0.5, min_examples=1))
    reasons = judge(gated, [example(None, label=TRUTH, candidate=ANSWER)])
    assert sorted(reasons) == [
        f"the validation split holds no image with a {feature}, so nothing can be judged"
        for feature in ("breed", "species")
    ]


def test_a_limit_is_of_what_the_task_measures_and_one_of_slices_needs_slices() -> None:
    pets = load_recipe("pets").model_dump()
    unmeasured = "gate.limits=iou_tail is unknown; known are mean_iou, .* iou_pet, "
    with pytest.raises(ValueError, match=unmeasured):
        Recipe(**{**pets, "gate": {"limits": {"iou_tail": 0.3}, "max_drop": 0.02}})
    with pytest.raises(ValueError, match="slice_limit needs slices to judge"):
        Recipe(**{**pets, "slices": ()})
