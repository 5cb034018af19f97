"""`python -m pipeline report`."""

import json
import sys
from pathlib import Path

import pytest

from pipeline import __main__ as command
from tests.conftest import Workplace
from tests.pipeline.report.pages import report_of, run_of


def report(monkeypatch: pytest.MonkeyPatch, root: Path, *arguments: str) -> int:
    monkeypatch.setenv("PIPELINE_ROOT", str(root))
    monkeypatch.setattr(sys, "argv", ["pipeline", "report", *arguments])
    return command.main()


def test_the_newest_run_is_reported_and_opened(hostile: Workplace, tmp_path: Path) -> None:
    path = report_of(hostile)
    path.unlink()
    browser = tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\necho "$1" > {tmp_path}/opened\n')
    browser.chmod(0o755)
    # The variable is read when webbrowser first looks for a browser, so in a process of its own.
    done = hostile.run("python -m pipeline report --open", BROWSER=browser)
    assert (done.returncode, done.stdout) == (0, f"{path}\n")
    assert path.exists()
    assert (tmp_path / "opened").read_text() == f"{path.as_uri()}\n"


def test_a_run_is_reported_by_its_name(
    hostile: Workplace, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run_id = run_of(hostile).run_id
    assert report(monkeypatch, hostile.pipeline_root, "--run", run_id) == 0
    assert capsys.readouterr().out == f"{report_of(hostile)}\n"


def test_programs_are_told_where_it_is_and_what_came_of_the_run(
    hostile: Workplace, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run = run_of(hostile)
    assert report(monkeypatch, hostile.pipeline_root, "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["report"], told["run"]) == (str(report_of(hostile)), run.run_id)
    assert (told["blessed"], told["refusals"]) == (False, run.refusals())
    assert told["metrics"]["mean_iou"] == run.metrics()["mean_iou"]


def test_an_unknown_run_is_met_with_the_known_ones(
    hostile: Workplace, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert report(monkeypatch, hostile.pipeline_root, "--run", "yesterday") == 2
    known = run_of(hostile).run_id
    assert capsys.readouterr().err == (
        f"Run yesterday is unknown; known are, nearest first: {known}.\n"
    )


def test_without_a_run_the_cure_is_named_and_nothing_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert report(monkeypatch, tmp_path, "--run", "any") == 2
    assert capsys.readouterr().err == (
        f"There is no run under PIPELINE_ROOT={tmp_path} yet; start one with "
        "`python local_runner.py`, or set RECIPE or PIPELINE_ROOT to where there is one.\n"
    )
    assert list(tmp_path.iterdir()) == []
