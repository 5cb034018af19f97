"""What a task says of its metrics, and the tasks by name."""

import subprocess
import sys

import pytest

from models import registry
from models.task import Metric
from tests.conftest import REPOSITORY

TASK = registry.load_task("segmentation")


def test_metrics_of_classes_are_told_class_by_class() -> None:
    measured = TASK.measured(("pet", "rest"))
    assert list(measured)[:5] == [
        "mean_iou",
        "boundary_iou",
        "pixel_accuracy",
        "iou_pet",
        "iou_rest",
    ]
    assert len(measured) == 3 + 5 * 2
    assert (measured["iou_pet"].title, measured["iou_pet"].words) == ("IoU, pet", "pet IoU")
    assert measured["mean_iou"].words == "mean IoU"
    assert list(TASK.key_figures(("pet", "rest"))) == ["mean_iou", "iou_pet", "iou_rest"]
    assert list(TASK.headline(())) == ["mean_iou", "boundary_iou", "pixel_accuracy"]


@pytest.mark.parametrize("name", registry.known_tasks())
def test_a_task_is_whole(name: str) -> None:
    task = registry.load_task(name)
    assert task.name == name
    assert not task.primary_metric.per_class and task.primary_metric.headline
    assert not task.example_metric.per_class
    assert task.architectures
    learning = registry.load_learning(name)
    declared = [key for key in vars(registry.Learning) if not key.startswith("_")]
    assert len(declared) > 15
    missing = [key for key in declared if not callable(getattr(learning, key, None))]
    of_probabilities = ["fit_temperature", "fit_thresholds", "highlight"]
    assert missing == ([] if task.calibrates else of_probabilities)


def test_direction_and_words_of_a_metric() -> None:
    error = Metric("error", "Mean absolute error", better="lower")
    assert (error.sign, error.words) == (-1, "mean absolute error")
    assert (Metric("auroc", "AUROC").sign, Metric("auroc", "AUROC").words) == (1, "AUROC")


def test_examples_are_ordered_by_the_primary_metric_or_another() -> None:
    assert TASK.example_metric == TASK.primary_metric
    assert registry.load_task("classification").example_metric.key == "true_probability"


def test_an_unknown_task_is_answered_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match=r"task=segmentatoin is unknown.*mean segmentation\?"):
        registry.load_task("segmentatoin")


def test_tasks_are_looked_at_without_tensorflow() -> None:
    code = (
        "import sys; from models.registry import known_tasks, load_task;"
        "tasks = [load_task(name) for name in known_tasks()];"
        "assert not {'tensorflow', 'keras', 'tfx'} & set(sys.modules), sorted(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, check=True)
