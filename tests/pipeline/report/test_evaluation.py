"""The part of the page that is about the evaluation, of figures that are known."""

from pathlib import Path

import numpy as np

from components.artifacts.evaluations import Evaluation, Slice
from models.registry import load_task
from pipeline.report.page import templates
from tests.pipeline.report.pages import Page

CLASS_NAMES = ["cat", "<b>dog</b>"]
TASK = load_task("segmentation")
FIGURES = dict.fromkeys(TASK.measured(CLASS_NAMES), 0.5)


def render(tmp_path: Path, reliability: np.ndarray | None) -> Page:
    evaluation = Evaluation(
        task=TASK,
        class_names=CLASS_NAMES,
        slices={"": [Slice("", "", 7, FIGURES, {})]},
        bounds=[],
        confusion=np.eye(2),
        reliability=reliability,
    )
    path = tmp_path / "evaluation.html"
    template = templates().get_template("evaluation.html.jinja")
    config = {"class_names": CLASS_NAMES}
    path.write_text(template.render(evaluation=evaluation, task=TASK, config=config, baseline=None))
    return Page(path)


def test_reliability_is_told_by_the_bins_that_have_images(tmp_path: Path) -> None:
    page = render(tmp_path, np.array([[0, 0, 0], [4, 1.8, 1], [0, 0, 0], [1000, 985, 970]], float))
    assert page.tables["Reliability as numbers"] == [
        ["Probability", "Images", "Mean probability", "Right"],
        ["0.25 to 0.50", "4", "0.450", "0.250"],
        ["0.75 to 1.00", "1000", "0.985", "0.970"],
    ]
    assert len([rect for rect in page.having("rect") if rect["class"] == "right"]) == 2
    assert page.unclosed == []


def test_without_confidences_there_is_no_reliability(tmp_path: Path) -> None:
    page = render(tmp_path, None)
    assert "Reliability" not in page.text
    assert "<b>dog</b>" in page.text
