"""Thresholds meet their rule on the images that they are chosen by, and decide everywhere alike."""

import numpy as np
import pytest

from models.classification import decisions
from models.classification.predictions import answers, serve
from models.config import DecisionRule, Thresholds, TrainingConfig

NAMES = ("defective", "good")
RULE = DecisionRule(positive_class="defective", recall=0.9, review_recall=1.0)
CONFIG = TrainingConfig(
    recipe="tires",
    task="classification",
    model="cnn",
    encoder_weights="none",
    class_names=NAMES,
    image_size=32,
    batch_size=8,
    epochs=1,
    learning_rate=0.1,
    weight_decay=0,
    augmentation=0,
    patience=1,
    seed=0,
    decision=RULE,
)


def scored(images: int = 200) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities, float32 [N, 2], and class ids of which one in five is 0."""
    rng = np.random.default_rng(0)
    labels = (np.arange(images) % 5 > 0).astype(np.int32)
    logits = rng.normal(size=images) - 2.0 * labels
    defective = (1 / (1 + np.exp(-logits))).astype(np.float32)
    return np.stack([defective, 1 - defective], 1), labels


def test_the_largest_threshold_that_meets_the_recall() -> None:
    probabilities, labels = scored()
    found = decisions.find_thresholds(probabilities, labels, NAMES, RULE)
    own = probabilities[labels == 0, 0]
    assert (own >= found.decide).mean() == pytest.approx(0.9)
    assert (own >= found.decide * 1.0001).mean() < 0.9
    assert (own >= found.review).all() and found.review < found.decide


def test_a_rule_without_review_leaves_nothing_to_look_at() -> None:
    probabilities, labels = scored()
    rule = DecisionRule(positive_class="defective", recall=0.9)
    found = decisions.find_thresholds(probabilities, labels, NAMES, rule)
    assert found.review == found.decide


def test_no_image_of_the_class_is_told() -> None:
    probabilities, labels = scored()
    with pytest.raises(ValueError, match="`calibration` has no image of class defective"):
        decisions.find_thresholds(probabilities, np.ones_like(labels), NAMES, RULE)


def test_what_is_served_is_decided_by_the_thresholds() -> None:
    config = CONFIG.model_copy(update={"thresholds": Thresholds(decide=0.3, review=0.1)})
    defective = np.array([0.05, 0.1000001, 0.29, 0.3000001, 0.9])
    logits = np.stack([np.log(defective), np.log(1 - defective)], 1).astype(np.float32)
    answer = serve(logits, None, config)
    assert answer["label"].numpy().tolist() == [1, 1, 1, 0, 0]
    assert [name.decode() for name in answer["class_name"].numpy()] == ["good"] * 3 + [
        "defective"
    ] * 2
    assert [name.decode() for name in answer["decision"].numpy()] == [
        "good",
        "look at it",
        "look at it",
        "defective",
        "defective",
    ]
    assert set(answer) == set(answers(config)[0])


def test_without_thresholds_the_likeliest_class_is_served() -> None:
    answer = serve(np.array([[0.2, 0.1], [0.1, 0.2]], np.float32), None, CONFIG)
    assert answer["label"].numpy().tolist() == [0, 1]
    assert "decision" not in answer and set(answer) == set(answers(CONFIG)[0])
