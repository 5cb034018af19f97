"""`python -m pipeline rehearse`: what it prints, and its exit codes."""

import json
import os
import pty
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from pipeline.__main__ import main
from tests.pipeline.rehearsal.jobs import job, step
from tests.warm.commands import python

PRINT = "import sys; print('epochs:', sys.argv[1])"
DECLARED = {
    "epochs": {"parameterType": "NUMBER_INTEGER"},
    "data_root": {"parameterType": "STRING", "defaultValue": "x"},
}


def command(folder: Path, given: Any, *options: str) -> list[str]:
    spec = folder / "job.json"
    spec.write_text(given if isinstance(given, str) else json.dumps(given))
    verb = [python(), "-m", "pipeline", "rehearse"]
    return [*verb, "--spec", str(spec), "--store", str(folder / "store"), *options]


def run(folder: Path, given: Any, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command(folder, given, *options), capture_output=True, text=True)


def parametrised() -> Any:
    source = {"componentInputParameter": "epochs"}
    taken = step(PRINT, parameters={"epochs": source}, args=["{{$.inputs.parameters['epochs']}}"])
    given = job({"step": taken}, DECLARED)
    definitions = given["pipelineSpec"]["components"]["step"]["inputDefinitions"]
    definitions["parameters"] = {"epochs": DECLARED["epochs"]}
    return given


def test_states_are_shown_as_they_change_and_summed_up(tmp_path: Path) -> None:
    given = job({"first": step(), "second": step("'second'", after=("first",))})
    given["pipelineSpec"]["deploymentSpec"]["executors"]["first_executor"]["container"]["image"] = (
        "gcr.io/demo/image:latest"
    )
    done = run(tmp_path, given, "--parallel=1")
    assert (done.returncode, done.stderr) == (0, "")
    changes, _, summary = done.stdout.partition("┏")
    assert [line.rsplit(" ", 2)[0] for line in changes.splitlines() if "done" in line] == [
        "first done",
        "second done",
    ]
    assert changes.splitlines()[0] == "first running"
    assert "│ second │ done" in summary
    assert "Warning: image gcr.io/demo/image:latest is not named by its digest" in summary
    again = run(tmp_path, given)
    assert "first cached" in again.stdout
    again = run(tmp_path, given, "--no-cache")
    assert "cached" not in again.stdout


def test_a_failed_step_is_named_with_reason_last_lines_and_log(tmp_path: Path) -> None:
    script = "print('loading'); import no_such_module"
    policy = {"retryPolicy": {"maxRetryCount": 1, "backoffDuration": "3600s"}}
    done = run(tmp_path, job({"train": step(script, task=policy), "after": step(after=("train",))}))
    assert done.returncode == 1
    reason = "exit status 1: ModuleNotFoundError: No module named 'no_such_module'"
    assert f"train failed: {reason}\n  loading\n  Traceback" in done.stdout
    assert "│ after │ not run" in done.stdout
    (log,) = (tmp_path / "store/runs").glob("*/train.log")
    assert done.stdout.endswith(f"The whole log: {log}\n")
    assert log.read_text().count("loading") == 2


def test_a_parameter_is_given_by_name(tmp_path: Path) -> None:
    done = run(tmp_path, parametrised(), "--parameter", "epochs=3", "--parameter=data_root=a=b")
    assert done.returncode == 0, done.stderr
    (log,) = (tmp_path / "store/runs").glob("*/step.log")
    assert log.read_text() == "epochs: 3\n"


@pytest.mark.parametrize(
    ("given", "options", "message"),
    [
        ("{", (), "cannot be read as JSON"),
        ("[]", (), "This is not a PipelineJob"),
        (job({"step": step()}), ("--spec=no/such.json",), "No such file or directory"),
        (parametrised(), (), "The job needs a value for epochs"),
        (parametrised(), ("--parameter=epochs=three",), "Parameter epochs is 'three', but the job"),
        (parametrised(), ("--parameter=epoch=3",), "has no parameter epoch; did you mean epochs?"),
        (parametrised(), ("--parameter=epochs",), "epochs is not of the form NAME=VALUE."),
    ],
)
def test_what_the_user_can_mend_is_one_line(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    given: Any,
    options: tuple[str, ...],
    message: str,
) -> None:
    monkeypatch.setattr(sys, "argv", command(tmp_path, given, *options)[2:])
    assert main() == 2
    shown = capsys.readouterr()
    assert message in shown.err
    assert (len(shown.err.splitlines()), shown.out) == (1, "")
    assert not (tmp_path / "store").exists()


def test_a_terminal_has_a_live_table(tmp_path: Path) -> None:
    seen = tmp_path / "seen"
    waiting = """
        import pathlib, sys, time
        while not pathlib.Path(sys.argv[1]).exists():
            time.sleep(0.02)
    """
    theirs, ours = pty.openpty()
    with subprocess.Popen(
        command(tmp_path, job({"step": step(waiting, args=[str(seen)])})),
        stdout=ours,
        env={**os.environ, "TERM": "xterm", "COLUMNS": "80", "LINES": "24"},
    ) as process:
        os.close(ours)
        shown = b""
        try:
            while part := os.read(theirs, 4096):
                shown += part
                if b"running" in shown:
                    seen.touch()
        except OSError:  # how Linux says that nobody has the terminal open any more
            pass
    os.close(theirs)
    assert process.returncode == 0
    assert b"\x1b[?25l" in shown, "the cursor is hidden while the table lives"
    assert b"step running" not in shown
    assert b"done" in shown
