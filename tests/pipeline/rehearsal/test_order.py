"""Which steps run when: order, failures, retries, conditions, exit handlers."""

import contextlib
import json
from pathlib import Path
from typing import Any

import psutil
import pytest

from pipeline.rehearsal import Outcome, State, TaskState, rehearse
from tests.pipeline.rehearsal.jobs import job, saying, step

FAIL = "raise SystemExit('no such luck')"


def states(outcome: Outcome) -> dict[str, str]:
    return {name: str(task.state) for name, task in outcome.tasks.items()}


def test_steps_run_after_those_they_depend_on(tmp_path: Path) -> None:
    seen: list[TaskState] = []
    steps = {
        "c": step(inputs={"data": "b.data"}),
        "b": step(outputs=["data"], after=("a",)),
        "a": step(),
    }
    outcome = rehearse(job(steps), tmp_path, parallel=3, on_change=seen.append)
    assert list(outcome.tasks) == ["a", "b", "c"]
    changes = [f"{task.name} {task.state}" for task in seen if task.state is not State.PENDING]
    assert changes == [f"{name} {state}" for name in "abc" for state in ("RUNNING", "SUCCEEDED")]
    assert outcome.tasks["a"].end <= outcome.tasks["b"].begin


def test_independent_steps_run_side_by_side(tmp_path: Path) -> None:
    meet = """
        import pathlib, sys, time
        pathlib.Path(sys.argv[1]).touch()
        while not pathlib.Path(sys.argv[2]).exists():
            time.sleep(0.01)
    """
    one, two = str(tmp_path / "one"), str(tmp_path / "two")
    steps = {"a": step(meet, args=[one, two]), "b": step(meet, args=[two, one])}
    assert rehearse(job(steps), tmp_path / "store", parallel=2).state is State.SUCCEEDED


FAILING = {
    "bad": step(FAIL),
    "after_bad": step(after=("bad",)),
    "good": step(),
    "after_good": step("'another'", after=("good",)),
}


def test_a_failure_holds_up_only_what_depends_on_it(tmp_path: Path) -> None:
    outcome = rehearse(job(FAILING), tmp_path)
    assert outcome.state is State.FAILED
    assert states(outcome) == {
        "bad": "FAILED",
        "after_bad": "NOT_TRIGGERED",
        "good": "SUCCEEDED",
        "after_good": "SUCCEEDED",
    }
    assert outcome.tasks["bad"].error == "exit status 1: no such luck"
    assert outcome.tasks["after_bad"].error == "bad did not succeed"


@pytest.mark.parametrize("policy", [2, "PIPELINE_FAILURE_POLICY_FAIL_FAST"])
def test_the_fail_fast_policy_begins_nothing_after_a_failure(tmp_path: Path, policy: Any) -> None:
    outcome = rehearse(job(FAILING, failurePolicy=policy), tmp_path, parallel=1)
    assert states(outcome)["good"] == "SUCCEEDED", "it was scheduled before the failure"
    assert states(outcome)["after_good"] == "NOT_TRIGGERED"


SECOND_TIME = """
    import pathlib, sys
    times = pathlib.Path(sys.argv[1])
    with times.open("a") as file:
        file.write("x")
    sys.exit(len(times.read_text()) < 3)
"""


@pytest.mark.parametrize(("retries", "state"), [(2, State.SUCCEEDED), (1, State.FAILED)])
def test_a_step_is_tried_again_as_its_policy_says(
    tmp_path: Path, retries: int, state: State
) -> None:
    policy = {"retryPolicy": {"maxRetryCount": retries, "backoffDuration": "0.01s"}}
    times = tmp_path / "times"
    steps = {"step": step(SECOND_TIME, args=[str(times)], task=policy)}
    assert rehearse(job(steps), tmp_path / "store").tasks["step"].state is state
    assert len(times.read_text()) == retries + 1


def test_a_step_that_the_kernel_kills_is_probably_out_of_memory(tmp_path: Path) -> None:
    outcome = rehearse(job({"step": step("import os; os.kill(os.getpid(), 9)")}), tmp_path)
    assert "probably because memory ran out: give it a smaller batch" in outcome.tasks["step"].error


def test_nothing_that_a_step_started_outlives_it(tmp_path: Path) -> None:
    script = """
        import subprocess
        print(subprocess.Popen(["sleep", "600"]).pid)
    """
    outcome = rehearse(job({"step": step(script)}), tmp_path)
    with contextlib.suppress(psutil.NoSuchProcess):
        process = psutil.Process(int(outcome.tasks["step"].log.read_text()))
        assert process.status() == psutil.STATUS_ZOMBIE


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        ("(inputs.artifacts['data'].artifacts[0].metadata['blessed'] == 1.0)", True),
        ("!((inputs.artifacts['data'].artifacts[0].metadata['blessed'] == 1.0))", False),
        (
            "(inputs.artifacts['data'].artifacts[0].uri == 'a && b') || "
            "((inputs.artifacts['data'].artifacts[0].metadata['word'] + '!') == 'red!')",
            True,
        ),
        ("(inputs.artifacts['data'].artifacts[0].metadata['blessed'] < 1.0)", False),
    ],
)
def test_a_step_is_run_when_its_condition_holds(
    tmp_path: Path, condition: str, holds: bool
) -> None:
    data = saying(artifacts={"data": {"artifacts": [{"metadata": {"blessed": 1, "word": "red"}}]}})
    steps = {
        "first": step(data, outputs=["data"], args=["{{$}}"]),
        "step": step(
            inputs={"data": "first.data"}, task={"triggerPolicy": {"condition": condition}}
        ),
        "last": step(after=("step",)),
    }
    outcome = rehearse(job(steps), tmp_path)
    assert outcome.state is State.SUCCEEDED
    expected = State.SUCCEEDED if holds else State.NOT_TRIGGERED
    assert outcome.tasks["step"].state is outcome.tasks["last"].state is expected


@pytest.mark.parametrize(
    "condition",
    [
        "inputs.artifacts['data'].artifacts[0].metadata['no such'] == 1.0",
        "inputs.artifacts['other'].artifacts[0].uri == 'x'",
        "__import__('os').getpid() == 1.0",
        "inputs.artifacts[",
    ],
)
def test_a_condition_without_an_answer_fails_the_step(tmp_path: Path, condition: str) -> None:
    steps = {
        "first": step(outputs=["data"]),
        "step": step(
            inputs={"data": "first.data"}, task={"triggerPolicy": {"condition": condition}}
        ),
    }
    outcome = rehearse(job(steps), tmp_path)
    assert outcome.tasks["step"].state is State.FAILED
    assert "has no answer" in outcome.tasks["step"].error


@pytest.mark.parametrize("script", ["", FAIL])
def test_an_exit_handler_runs_in_any_case_and_learns_how_it_went(
    tmp_path: Path, script: str
) -> None:
    status = {"taskFinalStatus": {"producerTask": "tfx-dag"}}
    steps = {
        "work": step(script),
        "handler": step(
            "import sys; print(sys.argv[1])",
            after=("tfx-dag",),
            parameters={"status": status},
            args=["{{$.inputs.parameters['status']}}"],
            task={"triggerPolicy": {"strategy": "ALL_UPSTREAM_TASKS_COMPLETED"}},
        ),
    }
    nested = job(steps)
    spec = nested["pipelineSpec"]
    tasks = spec["root"]["dag"]["tasks"]
    spec["components"]["tfx-dag"] = {"dag": {"tasks": {"work": tasks.pop("work")}}}
    tasks["tfx-dag"] = {"componentRef": {"name": "tfx-dag"}}
    outcome = rehearse(nested, tmp_path)
    told = json.loads(outcome.tasks["handler"].log.read_text())
    assert told["state"] == outcome.state == ("FAILED" if script else "SUCCEEDED")
    assert ("no such luck" in told.get("error", {}).get("message", "")) == bool(script)
