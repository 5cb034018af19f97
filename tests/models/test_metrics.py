"""The metrics against plain NumPy."""

import numpy as np
import numpy.typing as npt
import pytest
from drawn_pets import count_confusion, ious

from models import metrics


@pytest.mark.parametrize("num_classes", [2, 3, 7])
@pytest.mark.parametrize("dtype", [np.uint8, np.int32, np.int64])
def test_confusion_matrix(num_classes: int, dtype: type) -> None:
    rng = np.random.default_rng(num_classes)
    truth: npt.NDArray = rng.integers(0, num_classes, (2, 41, 30)).astype(dtype)
    prediction: npt.NDArray = rng.integers(0, num_classes, truth.shape).astype(dtype)
    confusion = metrics.confusion_matrix(truth, prediction, num_classes).numpy()
    assert confusion.dtype == np.float32
    np.testing.assert_array_equal(confusion, count_confusion(truth, prediction, num_classes))
    assert confusion.sum() == truth.size


def test_confusion_matrix_rows_are_the_truth() -> None:
    confusion = metrics.confusion_matrix(np.array([0, 0, 0]), np.array([1, 1, 0]), 2).numpy()
    assert confusion.tolist() == [[1, 2], [0, 0]]


@pytest.mark.parametrize("ignored", [3, 4, 255])
def test_true_ids_beyond_the_classes_are_not_counted(ignored: int) -> None:
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 3, (40, 50)).astype(np.uint8)
    prediction = rng.integers(0, 3, truth.shape).astype(np.uint8)
    void = rng.random(truth.shape) < 0.2
    confusion = metrics.confusion_matrix(np.where(void, ignored, truth), prediction, 3).numpy()
    np.testing.assert_array_equal(confusion, count_confusion(truth[~void], prediction[~void], 3))


@pytest.mark.parametrize("num_classes", [2, 3, 7])
def test_iou_by_class_and_mean(num_classes: int) -> None:
    rng = np.random.default_rng(num_classes)
    truth = rng.integers(0, num_classes, (64, 64))
    prediction = np.where(rng.random(truth.shape) < 0.7, truth, 0)
    confusion = metrics.confusion_matrix(truth, prediction, num_classes).numpy()
    expected = [
        np.sum((truth == index) & (prediction == index))
        / np.sum((truth == index) | (prediction == index))
        for index in range(num_classes)
    ]
    np.testing.assert_allclose(metrics.iou_by_class(confusion), expected, rtol=1e-12)
    assert metrics.mean_iou(confusion) == pytest.approx(np.mean(expected), rel=1e-12)


def test_an_absent_class_is_nan_and_left_out_of_the_mean() -> None:
    truth = np.array([0, 0, 2, 2, 2])
    prediction = np.array([0, 2, 2, 2, 2])
    confusion = metrics.confusion_matrix(truth, prediction, 4).numpy()
    by_class = metrics.iou_by_class(confusion)
    np.testing.assert_array_equal(by_class, [0.5, np.nan, 0.75, np.nan])
    np.testing.assert_array_equal(by_class, ious(confusion))
    assert metrics.mean_iou(confusion) == 0.625


def test_a_class_predicted_but_not_present_counts_as_zero() -> None:
    confusion = metrics.confusion_matrix(np.array([0, 0]), np.array([0, 1]), 2).numpy()
    assert metrics.iou_by_class(confusion).tolist() == [0.5, 0.0]
    assert metrics.mean_iou(confusion) == 0.25


def test_an_empty_matrix_is_nan() -> None:
    empty = np.zeros((3, 3))
    assert np.isnan(metrics.iou_by_class(empty)).all()
    assert np.isnan(metrics.mean_iou(empty))
