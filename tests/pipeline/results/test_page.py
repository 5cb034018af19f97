"""The page of a run on this machine."""

from pathlib import Path

from pipeline.results.page import page
from pipeline.runs.history import load_run
from pipeline.verbs.summary import append
from tests.conftest import Walk


def test_a_run_has_the_page_of_a_job(walk: Walk, tmp_path: Path) -> None:
    run = load_run(walk.workplace.pipeline_root / "metadata.sqlite")
    summary = tmp_path / "summary.md"
    append(summary, lambda room: page(run, room))
    text = summary.read_text()
    assert text.startswith("\n## Blessed\n")
    assert f"| Mean IoU | {run.metrics()['mean_iou']:.3f} |" in text
    assert f"<code>{run.run_id.replace('-', '&#45;')[:10]}" in text
    assert "no room for more in this summary" in page(run, room=10)
