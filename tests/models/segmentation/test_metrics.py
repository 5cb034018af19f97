"""The metrics against plain NumPy."""

import numpy as np
import numpy.typing as npt
import pytest

from models.segmentation import metrics
from tests.models.drawn_pets import (
    CLASS_NAMES,
    NUM_CLASSES,
    count_boundaries,
    count_confusion,
    figures,
)


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


def blobs(seed: int, ids: int, size: tuple[int, int]) -> npt.NDArray[np.uint8]:
    """A mask of patches of random class ids."""
    rng = np.random.default_rng((seed, *size))
    patches = rng.integers(0, ids, rng.integers(4, 9, 2)).astype(np.uint8)
    rows, columns = (
        np.arange(length) * count // length
        for length, count in zip(size, patches.shape, strict=True)
    )
    return patches[rows[:, None], columns]


@pytest.mark.parametrize("num_classes", [1, 3, 7])
@pytest.mark.parametrize("size", [(1, 1), (1, 40), (3, 2), (75, 121), (201, 150), (256, 256)])
def test_boundary_counts_equal_scipy(num_classes: int, size: tuple[int, int]) -> None:
    for seed in range(5):
        truth = blobs(seed, num_classes + seed % 2, size)  # with true ids beyond the classes, too
        prediction = blobs(seed + 100, num_classes, size)
        counts = metrics.boundary_counts(truth, prediction, num_classes).numpy()
        assert counts.dtype == np.float32
        np.testing.assert_array_equal(counts, count_boundaries(truth, prediction, num_classes))


def test_a_boundary_is_two_percent_of_the_diagonal_wide_and_runs_along_the_images_edge() -> None:
    one_class = np.zeros((150, 200), np.uint8)  # diagonal 250, boundary 5
    counts = metrics.boundary_counts(one_class, one_class, 2).numpy()
    assert counts.tolist() == [[150 * 200 - 140 * 190] * 2, [0, 0]]


def test_a_right_mask_has_a_boundary_iou_of_one_beside_pixels_of_no_class() -> None:
    truth = blobs(1, 4, (90, 70))
    assert (truth == 3).any()
    found = metrics.boundary_counts(truth, np.where(truth == 3, 1, truth), 3).numpy()
    np.testing.assert_array_equal(found[:, 0], found[:, 1])


@pytest.mark.parametrize("void", [False, True])
def test_figures_of_several_images_equal_numpy(void: bool) -> None:
    sizes = ((60, 80), (33, 140), (64, 64))
    pairs = [
        (blobs(seed, NUM_CLASSES + void, size), blobs(seed + 9, NUM_CLASSES, size))
        for seed, size in enumerate(sizes)
    ]
    confusion = sum(metrics.confusion_matrix(*pair, NUM_CLASSES).numpy() for pair in pairs)
    boundary = sum(metrics.boundary_counts(*pair, NUM_CLASSES).numpy() for pair in pairs)
    found = metrics.figures(confusion, boundary, CLASS_NAMES)
    assert found == pytest.approx(figures(pairs), rel=1e-12)
    assert not any(np.isnan(value) for value in found.values())


def figures_of(truth: list[int], prediction: list[int]) -> dict[str, float]:
    """Figures of an image one pixel high."""
    pair = np.array([truth]), np.array([prediction])
    counts = [
        count(*pair, 3).numpy() for count in (metrics.confusion_matrix, metrics.boundary_counts)
    ]
    return metrics.figures(*counts, CLASS_NAMES)


def test_an_absent_class_is_nan_and_left_out_of_the_means() -> None:
    found = figures_of([0, 0, 2, 2, 2], [0, 2, 2, 2, 2])
    absent = [found[f"{figure}_background"] for figure in ("iou", "dice", "precision", "recall")]
    assert np.isnan([*absent, found["boundary_iou_background"]]).all()
    assert (found["iou_pet"], found["iou_border"], found["mean_iou"]) == (0.5, 0.75, 0.625)
    # An image one pixel high is all boundary.
    assert found["boundary_iou"] == 0.625


def test_a_class_predicted_but_not_present_counts_as_zero() -> None:
    found = figures_of([0, 0], [0, 1])
    assert (found["iou_background"], found["mean_iou"]) == (0.0, 0.25)
    assert (found["precision_background"], found["boundary_iou_background"]) == (0.0, 0.0)
    assert np.isnan(found["recall_background"])


def test_figures_of_nothing_are_nan() -> None:
    found = metrics.figures(np.zeros((3, 3)), np.zeros((3, 2)), CLASS_NAMES)
    assert np.isnan(list(found.values())).all()
