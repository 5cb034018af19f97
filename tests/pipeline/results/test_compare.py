"""`visionpipe compare`: two runs beside each other."""

import copy
import json
import math
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import tensorflow as tf

from pipeline.__main__ import main
from pipeline.results.compare import Difference, compare
from pipeline.runs.history import Run
from tests.conftest import Walk, Workplace
from tests.pipeline.report.pages import run_of


def with_fewer_images(run: Run, folder: Path) -> Run:
    """The run, as if it had judged one image less."""
    step = run.steps["ImportExampleGen"]
    examples = copy.deepcopy(step.outputs["examples"])
    shutil.copytree(examples.uri, folder)
    examples.uri = str(folder)
    shard = min((folder / "Split-eval").glob("*.gz"))
    records = list(tf.data.TFRecordDataset(str(shard), "GZIP").as_numpy_iterator())
    with tf.io.TFRecordWriter(str(shard), "GZIP") as writer:
        for record in records[1:]:
            writer.write(record)
    changed = replace(step, outputs={**step.outputs, "examples": examples})
    return replace(run, steps={**run.steps, step.name: changed})


def test_a_run_beside_itself_is_no_different(hostile: Workplace) -> None:
    run = run_of(hostile)
    answered: list[int] = []
    found = compare(run, run, lambda: answered.append(1))
    assert len(answered) == 2 * run.num_examples()["eval"]
    assert (found.unpaired, found.settings) == ("", {})
    assert found.figures["mean_iou"].first == run.metrics()["mean_iou"]
    assert {one.interval for one in found.figures.values()} == {(0, 0)}
    assert {one.verdict for one in found.figures.values()} == {"no difference"}
    assert found.data["images, eval"] == (8, 8)


def test_other_images_have_no_interval(hostile: Workplace, tmp_path: Path) -> None:
    run = run_of(hostile)
    found = compare(run, with_fewer_images(run, tmp_path / "examples"))
    assert found.unpaired == (
        "The runs judged other images (8 and 7, 7 in both), so the differences have no intervals."
    )
    assert {one.interval for one in found.figures.values()} == {None}
    assert {one.verdict for one in found.figures.values()} == {""}


@pytest.mark.parametrize(
    ("sign", "interval", "verdict"),
    [
        (1, (0.01, 0.03), "better"),
        (1, (-0.03, -0.01), "worse"),
        (-1, (0.01, 0.03), "worse"),
        (-1, (-0.03, -0.01), "better"),
        (1, (-0.01, 0.03), "no difference"),
        (1, None, ""),
    ],
)
def test_what_is_claimed(sign: int, interval: tuple[float, float] | None, verdict: str) -> None:
    assert Difference("", 0.5, 0.52, sign, interval).verdict == verdict
    assert Difference("", math.nan, 0.52, sign, interval).verdict == ""


def test_what_cannot_be_compared(
    hostile: Workplace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = run_of(hostile)
    with pytest.raises(ValueError, match="ended before its model was judged: choose another one"):
        steps = {name: step for name, step in run.steps.items() if name != "Evaluator"}
        compare(run, replace(run, steps=steps))
    root = ["--pipeline-root", str(hostile.pipeline_root)]
    assert main(["compare", run.run_id, "yesterday", *root]) == 2
    assert capsys.readouterr().err == (
        f"Run yesterday is unknown; known are, nearest first: {run.run_id}.\n"
    )


@pytest.mark.slow
def test_two_runs_by_the_verb(
    walk: Walk, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    root = ["--pipeline-root", str(walk.workplace.pipeline_root)]
    assert main(["runs", "--json", *root]) == 0
    first, _, changed = (one["run"] for one in json.loads(capsys.readouterr().out))
    assert main(["compare", first, changed, "--json", *root]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["runs"], told["unpaired"]) == ([first, changed], "")
    assert told["settings"] == {"batch_size": [8, 4]}
    figure = told["figures"]["mean_iou"]
    low, high = figure["interval"]
    assert low <= figure["difference"] <= high
    assert figure["verdict"] in ("better", "worse", "no difference")
    assert told["data"]["images, eval"] == [8, 8]
    assert main(["compare", first, changed, *root]) == 0
    shown = capsys.readouterr().out
    assert "mean IoU" in shown and "setting batch_size" in shown and changed in shown
