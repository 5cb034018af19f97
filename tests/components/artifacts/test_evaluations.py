from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from components.artifacts.evaluations import Bound, Evaluation, load_evaluation
from pipeline.recipe import SliceLimit
from tests.answering import (
    ANSWER,
    BACKGROUND,
    NOTHING,
    PET,
    TRUTH,
    example,
    recipe,
    row,
)

CLASS_NAMES = ["pet", "background", "border"]


@pytest.fixture
def load(evaluated: Callable[..., Path]) -> Callable[..., Evaluation]:
    def loaded(*arguments: object) -> Evaluation:
        return load_evaluation(str(evaluated(*arguments) / "evaluation"))

    return loaded


def test_a_model_stands_beside_the_last_blessed_one(load: Callable[..., Evaluation]) -> None:
    examples = [example("cat", label=TRUTH, candidate=ANSWER, baseline=TRUTH)] * 2
    found = load(recipe(mean=0.5, pet=0.9, max_drop=0.02), examples, "baseline")
    assert found.whole.images == 2
    assert found.whole.figures["mean_iou"] == pytest.approx((40 / 50 + 30 / 50 + 10 / 20) / 3)
    assert found.whole.figures["iou_border"] == pytest.approx(0.5)
    assert found.whole.baseline["mean_iou"] == found.whole.baseline["dice_border"] == 1
    assert np.isnan(found.whole.baseline["boundary_iou"])  # it is from before there was one
    assert [bound.name for bound in found.bounds] == [
        "Mean IoU",
        "Mean IoU, at most 0.020 below the last blessed model's",
        "IoU of pet",
    ]
    assert [(bound.limit, bound.met) for bound in found.bounds] == [
        (0.5, True),
        (pytest.approx(0.98), False),
        (0.9, False),
    ]
    assert found.confusion is not None
    assert found.confusion.tolist() == [[80, 20, 0], [0, 60, 0], [0, 20, 20]]


def test_without_a_blessed_model_there_is_nothing_beside(load: Callable[..., Evaluation]) -> None:
    found = load(recipe(mean=0.5), [example("cat", label=TRUTH, candidate=ANSWER)])
    assert found.whole.baseline == {}
    assert found.bounds == [Bound("Mean IoU", found.whole.figures["mean_iou"], 0.5, 1)]


def test_slices_are_ordered_by_mean_iou_and_the_worst_is_held_against_their_limit(
    load: Callable[..., Evaluation],
) -> None:
    strong = [example("cat", label=TRUTH, candidate=TRUTH)] * 3
    weak = [example("dog", label=TRUTH, candidate=ANSWER)] * 3
    single = [example("emu", label=TRUTH, candidate=NOTHING)]
    limit = SliceLimit(limit=0.7, min_examples=3)
    found = load(recipe(slice_limit=limit), strong + weak + single)
    assert [part.value for part in found.slices["species"]] == ["emu", "dog", "cat"]
    assert [part.images for part in found.slices["breed"]] == [1, 3, 3]
    [bound] = [bound for bound in found.bounds if "slice" in bound.name]
    assert bound.name in (
        "Mean IoU of the worst slice, species dog",
        "Mean IoU of the worst slice, breed DOG",
    )
    assert bound.value == pytest.approx(0.633, abs=1e-3)
    assert not bound.met


def test_a_class_that_does_not_occur_has_no_figure(load: Callable[..., Evaluation]) -> None:
    truth = row((PET, 50), (BACKGROUND, 50))
    found = load(recipe(), [example("cat", label=truth, candidate=truth)])
    assert np.isnan(found.whole.figures["iou_border"])
    assert found.whole.figures["mean_iou"] == 1
    assert list(found.families) == ["iou", "dice", "precision", "recall", "boundary_iou"]
    assert list(found.headline) == [
        "mean_iou",
        "boundary_iou",
        "pixel_accuracy",
        *(f"iou_{name}" for name in CLASS_NAMES),
    ]
