"""Figures of summed counts equal those that scikit-learn makes of all predictions together."""

import math

import numpy as np
import pytest
from sklearn import metrics as reference

from models.classification import metrics

NAMES = ["cat", "dog", "frog", "ship", "truck", "deer"]


def predictions(images: int = 400, num_classes: int = 6) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities, float32 [N, C], and class ids, int32 [N], that they tell often."""
    rng = np.random.default_rng(0)
    labels = rng.integers(num_classes, size=images, dtype=np.int32)
    logits = rng.normal(size=(images, num_classes)) + 1.5 * np.eye(num_classes)[labels]
    exponents = np.exp(logits)
    return (exponents / exponents.sum(1, keepdims=True)).astype(np.float32), labels


def figures(probabilities: np.ndarray, labels: np.ndarray, names: list[str]) -> dict:
    decided = probabilities.argmax(1).astype(np.int32)
    counts = metrics.count(probabilities, decided, labels)
    assert {name: tuple(value.shape[1:]) for name, value in counts.items()} == {
        name: tuple(spec.shape) for name, spec in metrics.count_specs(len(names)).items()
    }
    sums = {name: value.numpy().astype(np.float64).sum(0) for name, value in counts.items()}
    return metrics.figures(sums, names)


def test_figures_equal_scikit_learns() -> None:
    probabilities, labels = predictions()
    found = figures(probabilities, labels, NAMES)
    predicted = probabilities.argmax(1)
    assert found["accuracy"] == pytest.approx(reference.accuracy_score(labels, predicted))
    assert found["macro_f1"] == pytest.approx(
        reference.f1_score(labels, predicted, average="macro")
    )
    top_5 = reference.top_k_accuracy_score(labels, probabilities, k=5)
    assert found["top_5_accuracy"] == pytest.approx(top_5)
    precision, recall, f1, _ = reference.precision_recall_fscore_support(labels, predicted)
    for index, name in enumerate(NAMES):
        assert found[f"precision_{name}"] == pytest.approx(precision[index])
        assert found[f"recall_{name}"] == pytest.approx(recall[index])
        assert found[f"f1_{name}"] == pytest.approx(f1[index])
        auroc = reference.roc_auc_score(labels == index, probabilities[:, index])
        assert found[f"auroc_{name}"] == pytest.approx(auroc, abs=0.003), "but for the bins"
    np.testing.assert_array_equal(
        found["confusion_matrix"], reference.confusion_matrix(labels, predicted)
    )
    truth = probabilities[np.arange(len(labels)), labels]
    assert found["true_probability"] == pytest.approx(truth.mean())


def test_calibration_error_is_the_distance_of_confidence_and_accuracy() -> None:
    """Ten images of confidence 0.9, of which seven are right."""
    probabilities = np.tile(np.float32([0.9, 0.1]), (10, 1))
    labels = np.int32([0] * 7 + [1] * 3)
    found = figures(probabilities, labels, NAMES[:2])
    assert found["calibration_error"] == pytest.approx(0.2)
    [row] = found["reliability"][found["reliability"][:, 0] > 0]
    np.testing.assert_allclose(row, [10, 9, 7], rtol=1e-6)


def test_what_cannot_be_judged_is_nan() -> None:
    probabilities = np.float32([[0.8, 0.1, 0.1], [0.6, 0.3, 0.1]])
    found = figures(probabilities, np.int32([0, 0]), NAMES[:3])
    assert found["accuracy"] == 1
    for key in ("top_5_accuracy", "f1_frog", "precision_dog", "recall_dog", "auroc_cat", "auroc"):
        assert math.isnan(found[key]), key
    assert found["macro_f1"] == 1, "of the class that there is"


def test_many_classes_have_no_auroc() -> None:
    names = [f"class {number}" for number in range(101)]
    probabilities, labels = predictions(200, 101)
    found = figures(probabilities, labels, names)
    assert math.isnan(found["auroc"])
    assert found["top_5_accuracy"] > found["accuracy"]
