"""Where a threshold stands: curves as scikit-learn draws them, and the counts at the threshold."""

from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import auc, average_precision_score, roc_auc_score

from components.artifacts.evaluations import Evaluation, Slice
from models.classification import metrics
from models.registry import load_task
from pipeline.report.operating import Operating, operating
from pipeline.report.page import templates
from tests.models.classification.test_decisions import NAMES, RULE, scored
from tests.pipeline.report.pages import Page

DECIDE = 0.4
CONFIG = {
    "decision": RULE.model_dump(),
    "thresholds": {"decide": DECIDE, "review": 0.0123},
}
TASK = load_task("classification")


def evaluation() -> Evaluation:
    probabilities, labels = scored()
    decided = np.where(probabilities[:, 0] >= DECIDE, 0, 1).astype(np.int32)
    counts = metrics.count(probabilities, decided, labels)
    sums = {name: value.numpy().astype(np.float64).sum(0) for name, value in counts.items()}
    figures = metrics.figures(sums, NAMES)
    return Evaluation(
        task=TASK,
        class_names=list(NAMES),
        slices={"": [Slice("", "", 200, {}, {})]},
        bounds=[],
        confusion=figures["confusion_matrix"],
        reliability=None,
        scores=figures["scores"],
    )


@pytest.fixture(scope="module")
def found() -> Operating:
    told = operating(CONFIG, evaluation())
    assert told is not None
    return told


def test_counts_are_those_at_the_threshold(found: Operating) -> None:
    probabilities, labels = scored()
    own, decided = labels == 0, probabilities[:, 0] >= DECIDE
    assert (found.found, found.missed) == ((own & decided).sum(), (own & ~decided).sum())
    assert (found.false_alarms, found.passed) == ((~own & decided).sum(), (~own & ~decided).sum())
    assert found.recall == pytest.approx(found.found / 40)
    assert found.missed and found.false_alarms


def test_curves_are_scikit_learns_but_for_the_bins(found: Operating) -> None:
    probabilities, labels = scored()
    across, up = zip(*found.roc, strict=True)
    assert found.roc[0] == (0, 0) and found.roc[-1] == (1, 1)
    assert auc(across, up) == pytest.approx(
        roc_auc_score(labels == 0, probabilities[:, 0]), abs=5e-3
    )
    recalls, precisions = (np.array(one) for one in zip(*found.precision_recall, strict=True))
    average = (np.diff(recalls, prepend=0) * precisions).sum()
    expected = average_precision_score(labels == 0, probabilities[:, 0])
    assert average == pytest.approx(expected, abs=0.02)


def test_the_threshold_lies_on_both_curves(found: Operating) -> None:
    for curve, point in (
        (found.roc, (found.false_positive_rate, found.recall)),
        (found.precision_recall, (found.recall, found.precision)),
    ):
        assert min(np.abs(np.subtract(curve, point)).sum(axis=1)) < 0.06


def test_a_model_without_a_threshold_has_none() -> None:
    assert operating({"decision": None, "thresholds": None}, evaluation()) is None
    assert operating(CONFIG, None) is None


def test_the_page_tells_the_threshold_and_what_it_costs(tmp_path: Path, found: Operating) -> None:
    path = tmp_path / "threshold.html"
    path.write_text(templates().get_template("threshold.html.jinja").render(threshold=found))
    page = Page(path)
    [head, row] = page.tables["The threshold and what it costs"]
    assert head[0] == "defective, from a probability of"
    told = [found.found, found.missed, found.false_alarms]
    assert row[:4] == ["0.4", *map(str, told)]
    assert "From 0.0123 on, a person is to look at the image." in page.text
    assert len([path for path in page.having("path") if path["class"] == "line validation"]) == 2
    assert page.unclosed == []
