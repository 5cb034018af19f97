"""`visionpipe runs`: what a folder's runs were."""

import json
from pathlib import Path

import pytest

from pipeline.__main__ import main
from pipeline.results.listing import list_runs
from tests.conftest import Walk


@pytest.mark.slow
def test_runs_and_what_they_did_otherwise(
    walk: Walk, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    root = str(walk.workplace.pipeline_root)
    monkeypatch.setenv("COLUMNS", "200")
    assert main(["runs", "--pipeline-root", root, "--json"]) == 0
    first, again, changed = json.loads(capsys.readouterr().out)
    assert [one["verdict"] for one in (first, again, changed)] == ["blessed"] * 3
    assert {one["metric"] for one in (first, again, changed)} == {"mean_iou"}
    assert first["value"] == again["value"] and 0 <= changed["value"] <= 1
    assert first["duration"] > again["duration"] > 0
    assert (first["changed"], again["changed"]) == ([], [])
    assert changed["changed"] == ["batch_size 8 → 4"]
    assert main(["runs", "--pipeline-root", root]) == 0
    shown = capsys.readouterr().out
    assert "batch_size 8 → 4" in shown and first["run"] in shown


def test_where_there_is_none(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["runs", "--pipeline-root", str(tmp_path)]) == 2
    assert "There is no run under" in capsys.readouterr().err
    with pytest.raises(ValueError, match="There is no run"):
        list_runs(tmp_path / "metadata.sqlite")
