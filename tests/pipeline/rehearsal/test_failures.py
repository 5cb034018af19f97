"""What is told of a step that fails."""

from pathlib import Path

import pytest

from pipeline.rehearsal import State, TaskState, rehearse
from tests.pipeline.rehearsal.jobs import job, step

RAISING = """
    import sys
    for number in range(40):
        print("line", number)
    try:
        raise ValueError("no label in record 7")
    finally:
        import atexit
        atexit.register(print, "cleaned up")
"""


def test_followers_get_the_reason_the_last_lines_and_the_log(tmp_path: Path) -> None:
    seen: list[TaskState] = []
    outcome = rehearse(job({"step": step(RAISING)}), tmp_path, on_change=seen.append)
    task = seen[-1]
    assert task == outcome.tasks["step"]
    assert (task.name, task.state) == ("step", State.FAILED)
    assert task.reason == "exit status 1: ValueError: no label in record 7"
    lines = task.error.splitlines()
    assert len(lines) == 21
    assert lines[0] == task.reason
    assert lines[-2:] == ["ValueError: no label in record 7", "cleaned up"]
    assert task.log.read_text().splitlines()[-1] == "cleaned up"


def test_data_that_nobody_reads_are_in_the_log_alone(tmp_path: Path) -> None:
    script = "raise ValueError('bad record: ' + 'ab' * 500 + ' in shard 3')"
    task = rehearse(job({"step": step(script)}), tmp_path).tasks["step"]
    assert task.reason == f"exit status 1: ValueError: bad record: {'ab' * 30} … in shard 3"
    assert "ab" * 500 in task.log.read_text()


def test_each_attempt_is_in_the_log_and_the_last_one_in_the_error(tmp_path: Path) -> None:
    script = """
        import pathlib, sys
        count = pathlib.Path(sys.argv[1])
        count.write_text(str(int(count.read_text()) + 1))
        sys.exit(f"attempt {count.read_text()}")
    """
    (tmp_path / "count").write_text("0")
    policy = {"retryPolicy": {"maxRetryCount": 2, "backoffDuration": "3600s"}}
    steps = {"step": step(script, args=[str(tmp_path / "count")], task=policy)}
    outcome = rehearse(job(steps), tmp_path / "store", longest_pause=0.01)
    assert outcome.tasks["step"].error == "exit status 1: attempt 3"
    assert outcome.tasks["step"].log.read_text().split("\n")[:-1] == [
        f"attempt {n}" for n in (1, 2, 3)
    ]


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("import os; os.kill(os.getpid(), 9)", "probably because memory ran out: give it a small"),
        ("import os; os.kill(os.getpid(), 11)", "it was ended by SIGSEGV"),
        ("import sys; sys.exit(137)", "probably because memory ran out"),  # as a shell says it
        ("import sys; sys.exit(200)", "exit status 200"),
    ],
)
def test_a_step_that_a_signal_ended_says_so(tmp_path: Path, script: str, reason: str) -> None:
    outcome = rehearse(job({"step": step(script)}), tmp_path)
    assert reason in outcome.tasks["step"].reason


def test_a_program_that_does_not_start_says_why(tmp_path: Path) -> None:
    program = tmp_path / "program"
    program.write_text("not a program")
    program.chmod(0o755)
    given = job({"step": step()})
    executors = given["pipelineSpec"]["deploymentSpec"]["executors"]
    executors["step_executor"]["container"]["command"] = [str(program)]
    error = rehearse(given, tmp_path / "store").tasks["step"].error
    assert error == f"exit status 127: {program} could not be started: Exec format error"
