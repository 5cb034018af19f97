"""Where a threshold stands among all that could have been chosen."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from components.artifacts.evaluations import Evaluation
from models.config import DecisionRule, Thresholds

Points = list[tuple[float, float]]


@dataclass(frozen=True)
class Operating:
    """A threshold on the probability of one of two classes, and what it comes to.

    Attributes:
        positive: name of the class.
        thresholds: the model's.
        found: images of the class that are decided for it.
        missed: images of the class that are not.
        false_alarms: others that are decided for it.
        passed: others that are not.
        roc: false positive rate and recall of every threshold, from the highest on.
        precision_recall: recall and precision, likewise.
    """

    positive: str
    thresholds: Thresholds
    found: int
    missed: int
    false_alarms: int
    passed: int
    roc: Points
    precision_recall: Points

    @property
    def recall(self) -> float:
        """Share of the class that is found."""
        return self.found / max(self.found + self.missed, 1)

    @property
    def precision(self) -> float:
        """Share of those decided for the class that are of it."""
        return self.found / max(self.found + self.false_alarms, 1)

    @property
    def false_positive_rate(self) -> float:
        """Share of the others that are decided for the class."""
        return self.false_alarms / max(self.false_alarms + self.passed, 1)


def operating(config: dict[str, Any], evaluation: Evaluation | None) -> Operating | None:
    """Make it of a model's evaluation; None where the model has no threshold.

    Args:
        config: the training's, with what it found.
        evaluation: with `confusion` and `scores`.
    """
    if not (config.get("decision") and config.get("thresholds") and evaluation):
        return None
    if evaluation.scores is None or evaluation.confusion is None:
        return None
    positive = DecisionRule.model_validate(config["decision"]).positive_class
    own = evaluation.class_names.index(positive)
    other = 1 - own
    counts = evaluation.confusion.astype(int).tolist()
    curves = list(_curves(evaluation.scores[own]))
    return Operating(
        positive=positive,
        thresholds=Thresholds.model_validate(config["thresholds"]),
        found=counts[own][own],
        missed=counts[own][other],
        false_alarms=counts[other][own],
        passed=counts[other][other],
        roc=[(0.0, 0.0), *((false, recall) for false, recall, _ in curves)],
        precision_recall=[(recall, precision) for _, recall, precision in curves],
    )


def _curves(scores: npt.NDArray[np.float64]) -> Iterator[tuple[float, float, float]]:
    """Yield false positive rate, recall and precision, from the highest threshold on.

    Args:
        scores: [bins, 2], by ascending score the examples that are not, and that are, positive.
    """
    totals = np.maximum(scores.sum(axis=0), 1).tolist()
    for others, own in np.cumsum(scores[::-1], axis=0).tolist():
        if others + own:
            yield others / totals[0], own / totals[1], own / (others + own)
