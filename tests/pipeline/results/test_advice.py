"""What is to be tried after a refusal, by figures as runs have recorded them."""

import numpy as np

from components.artifacts.evaluations import Evaluation, Slice
from models.registry import load_task
from pipeline.recipes import load_recipe
from pipeline.results import advice

SEGMENTATION, CLASSIFICATION = load_task("segmentation"), load_task("classification")
MEAN_IOU = SEGMENTATION.primary_metric
# Of a U-Net on the drawn scenes, and of a small CNN on 60 photos.
RISING = {"val_mean_iou": [0.31, 0.44, 0.52, 0.61, 0.66, 0.71]}
FLAT = {"val_mean_iou": [0.41, 0.66, 0.781, 0.787, 0.789, 0.788]}
BY_HEART = {
    "loss": [1.10, 0.74, 0.42, 0.20, 0.08],
    "val_loss": [1.08, 0.88, 0.86, 1.07, 1.41],
}


def test_a_training_that_was_still_getting_better() -> None:
    told = advice.tell_unfinished(RISING, MEAN_IOU, 6, "EPOCHS=12 make demo")
    assert told == (
        "The validation's mean IoU was still getting better at epoch 6: train longer, "
        "EPOCHS=12 make demo"
    )
    assert advice.tell_unfinished({"val_mean_iou": [0.1]}, MEAN_IOU, 1, "").startswith("The valid")


def test_a_training_that_more_epochs_would_not_help() -> None:
    assert advice.tell_unfinished(FLAT, MEAN_IOU, 6, "longer") == ""
    assert advice.tell_unfinished(RISING, MEAN_IOU, 20, "longer") == ""  # it ended of itself
    assert advice.tell_unfinished({}, MEAN_IOU, 6, "longer") == ""


def test_images_that_are_learned_by_heart() -> None:
    told = advice.tell_overfitting(BY_HEART, 0.7)
    assert told.startswith("From epoch 3 on the validation loss rises while the training loss fal")
    assert told.endswith("raise the recipe's augmentation (it is 0.7), or stop at EPOCHS=3.")
    healthy = {"loss": [1.1, 0.7, 0.4], "val_loss": [1.0, 0.8, 0.6]}
    assert advice.tell_overfitting(healthy, 0.7) == ""
    assert advice.tell_overfitting({"loss": [1.0, float("nan")], "val_loss": [1, 2]}, 0.7) == ""
    worse = {"loss": [1.0, 1.2], "val_loss": [1.0, 1.4]}  # it learns nothing at all
    assert advice.tell_overfitting(worse, 0.7) == ""


def test_classes_that_are_absent_or_hardly_there() -> None:
    confusion = np.array([[0, 0, 0], [10, 9000, 90], [20, 20, 60]])
    assert advice.tell_rare_classes(["cat", "sky", "rim"], confusion) == [
        "No validation image has cat: add images of it to both splits.",
        "Only 1.1 % of the validation split is rim: add images of it.",
    ]
    assert advice.tell_rare_classes(["a", "b"], np.array([[5, 1], [0, 9]])) == []
    assert advice.tell_rare_classes(["a", "b"], None) == []


def test_images_that_are_too_few_for_a_limit() -> None:
    limits = {"recall_bound_defect": 0.9, "accuracy": 0.9}
    measured = CLASSIFICATION.measured(["good", "defect"])
    figures = {"recall_bound_defect": 0.86, "recall_defect": 0.98, "accuracy": 0.8}
    [told] = advice.tell_few_images(limits, figures, measured, {"defect": 40.0})
    assert told.startswith("Add validation images of defect: to claim a recall of 0.9 takes about ")
    assert told.endswith(", and there are 40.")
    assert advice.tell_few_images(limits, figures, measured, {"defect": 4000.0}) == []
    lower = {**figures, "recall_defect": 0.85}  # which no number of images would help
    assert advice.tell_few_images(limits, lower, measured, {"defect": 40.0}) == []


def sliced(**ious: float) -> Evaluation:
    slices = [
        Slice("breed", name, 12, {"mean_iou": iou, "judged_mean_iou": iou}, {})
        for name, iou in ious.items()
    ]
    whole = Slice("", "", 36, {"mean_iou": 0.7}, {"mean_iou": 0.75})
    return Evaluation(SEGMENTATION, [], {"": [whole], "breed": slices}, [], None, None)


def test_a_slice_that_misses_its_limit() -> None:
    recipe = load_recipe("pets")
    assert recipe.gate.slice_limit is not None
    limit = recipe.gate.slice_limit.limit
    few = sliced(Pug=limit - 0.1, Boxer=limit - 0.2, Ragdoll=limit + 0.1, Small=float("inf"))
    assert advice.tell_worst_slice(few, recipe) == (
        f"Of 4 slices 2 miss their limit {limit:.3f}, breed Boxer by most ({limit - 0.2:.3f}, "
        "12 images): add images of it."
    )
    assert advice.tell_worst_slice(sliced(Pug=limit), recipe) == ""


def test_a_model_that_is_worse_than_the_last_one() -> None:
    whole = sliced().whole
    told = advice.tell_drop(whole, MEAN_IOU, 0.02, "visionpipe compare a b")
    assert told == "See what the last blessed model was trained with: visionpipe compare a b"
    assert advice.tell_drop(whole, MEAN_IOU, 0.06, "") == ""
