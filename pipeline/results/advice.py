"""What to try after a refusal: rules, each of which looks at what the run has recorded.

A rule is a function that returns a sentence; it is empty where the rule does not apply.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from components.artifacts.evaluations import Evaluation, Slice, load_evaluation
from models import tfma_metrics
from models.ratios import sample_needed
from models.registry import load_task
from models.task import Measured, Metric, class_key, margin
from pipeline.recipe import Recipe
from pipeline.results.commands import Commands
from pipeline.runs.history import Run

_GAIN = 0.005  # of the primary metric, below which a training no longer gets better
_RISE = 1.05  # the validation loss at the end, by its least, from which the model overfits
_HARDLY = 0.05  # share of a class, by its share if all were alike, below which it is hardly there

History = Mapping[str, Sequence[float]]


def advise(run: Run, recipe: Recipe, commands: Commands) -> list[str]:
    """Say what to try, a sentence each; at least one.

    Args:
        run: refused by its gate.
        recipe: what it trained, with the settings on top.
        commands: that may follow.
    """
    task = load_task(recipe.task)
    history = run.training_figures()["history"]
    evaluation = load_evaluation(str(run.uri("Evaluator", "evaluation")))
    figures, primary = evaluation.whole.figures, task.primary_metric
    drop = recipe.gate.max_drop
    told = [
        tell_unfinished(history, primary, recipe.epochs, commands.train_longer())
        or tell_overfitting(history, recipe.augmentation),
        *tell_rare_classes(recipe.class_names, evaluation.confusion),
        *tell_few_images(
            recipe.gate.limits,
            figures,
            task.measured(recipe.class_names),
            count_of_class(recipe.class_names, evaluation.confusion),
        ),
        tell_worst_slice(evaluation, recipe),
        tell_drop(evaluation.whole, primary, drop, commands.compare(run.baseline_run, run.run_id)),
    ]
    found = [one for one in told if one]
    return found or ["Look at the worst images in the report: they show what the model lacks."]


def tell_unfinished(history: History, primary: Metric, epochs: int, longer: str) -> str:
    """Advise where the validation metric was still rising when the epochs ended.

    Args:
        history: values by epoch and key.
        primary: the metric that a training monitors.
        epochs: that were asked for; a training that ended before was patient in vain.
        longer: the command for more epochs.
    """
    values = [primary.sign * value for value in history.get(f"val_{primary.key}", ())]
    last = max(1, len(values) // 3)
    if not values or len(values) < epochs:
        return ""
    if len(values) > last and max(values[-last:]) - max(values[:-last]) <= _GAIN:
        return ""
    was = f"was still getting better at epoch {len(values)}"
    return f"The validation's {primary.words} {was}: train longer, {longer}"


def tell_overfitting(history: History, augmentation: float) -> str:
    """Advise where the training loss fell while the validation loss rose.

    Args:
        history: values by epoch and key.
        augmentation: the recipe's.
    """
    loss, validation = list(history.get("loss", ())), list(history.get("val_loss", ()))
    if not validation or not all(map(math.isfinite, (*loss, *validation))):
        return ""
    best = min(range(len(validation)), key=validation.__getitem__)
    rose = validation[-1] > _RISE * validation[best] and loss[-1] < loss[best]
    if not rose:
        return ""
    return (
        f"From epoch {best + 1} on the validation loss rises while the training loss falls, so the "
        "model learns the images by heart: add images, raise the recipe's augmentation (it is "
        f"{augmentation:g}), or stop at EPOCHS={best + 1}."
    )


def count_of_class(
    class_names: Sequence[str], confusion: npt.NDArray[np.float64] | None
) -> dict[str, float]:
    """Tell how much of the validation split is of each class, in the task's unit.

    Args:
        class_names: names by class id.
        confusion: what is counted by true class (rows) and predicted class; None where nothing is.
    """
    if confusion is None:
        return {}
    return dict(zip(class_names, confusion.sum(axis=1).tolist(), strict=True))


def tell_rare_classes(
    class_names: Sequence[str], confusion: npt.NDArray[np.float64] | None
) -> list[str]:
    """Classes that the validation split lacks, or hardly has."""
    counts = count_of_class(class_names, confusion)
    total = sum(counts.values())
    told = []
    for name, count in counts.items():
        if count == 0:
            told.append(f"No validation image has {name}: add images of it to both splits.")
        elif count < _HARDLY * total / len(counts):
            share = f"{100 * count / total:.2g} %"
            told.append(f"Only {share} of the validation split is {name}: add images of it.")
    return told


def tell_few_images(
    limits: Mapping[str, float],
    figures: Mapping[str, float],
    measured: Mapping[str, Measured],
    counts: Mapping[str, float],
) -> list[str]:
    """Limits with 95 % confidence that the validation split is too small to claim.

    Args:
        limits: the gate's, by the metric's key.
        figures: of the whole validation split, likewise.
        measured: the task's metrics, likewise.
        counts: validation images by class.
    """
    told = []
    for key, limit in limits.items():
        metric, of_class = measured[key]
        if not metric.bounds or margin(figures[key], limit, metric.sign) >= 0:
            continue
        needed = sample_needed(figures[class_key(metric.bounds, of_class)], limit)
        if needed and needed > counts.get(of_class, 0):
            told.append(
                f"Add validation images of {of_class}: to claim a {metric.bounds} of {limit:g} "
                f"takes about {needed}, and there are {counts.get(of_class, 0):.0f}."
            )
    return told


def tell_worst_slice(evaluation: Evaluation, recipe: Recipe) -> str:
    """Return the slice that is furthest below the gate's limit of slices."""
    if recipe.gate.slice_limit is None:
        return ""
    task, limit = evaluation.task, recipe.gate.slice_limit.limit
    key, sign = tfma_metrics.judged_key(task), task.primary_metric.sign

    def better_by(one: Slice) -> float:
        return margin(one.figures[key], limit, sign)

    sliced = [one for name, slices in evaluation.slices.items() if name for one in slices]
    below = [one for one in sliced if better_by(one) < 0]
    if not below:
        return ""
    worst = min(below, key=better_by)
    return (
        f"Of {len(sliced)} slices {len(below)} miss their limit {limit:.3f}, {worst.feature} "
        f"{worst.value} by most ({worst.figures[key]:.3f}, {worst.images} images): add images of "
        "it."
    )


def tell_drop(whole: Slice, primary: Metric, max_drop: float, compare: str) -> str:
    """Advise where the last blessed model is better.

    Args:
        whole: the validation split.
        primary: the metric that is compared.
        max_drop: how much worse it may be.
        compare: the command that compares both runs.
    """
    if primary.key not in whole.baseline:
        return ""
    last = whole.baseline[primary.key] - primary.sign * max_drop
    if margin(whole.figures[primary.key], last, primary.sign) >= 0:
        return ""
    return f"See what the last blessed model was trained with: {compare}"
