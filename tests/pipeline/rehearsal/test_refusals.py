"""What is refused before anything runs, in a sentence with cause and cure."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from pipeline.rehearsal import RehearsalError, State, rehearse
from tests.pipeline.rehearsal.jobs import job, step


def refusal(given: Any, store: Path, **options: Any) -> str:
    """The message, of a rehearsal that left no log of a step."""
    with pytest.raises(RehearsalError) as caught:
        rehearse(given, store, **options)
    assert not (store / "runs").exists()
    return str(caught.value)


@pytest.mark.parametrize("given", [[], {}, {"pipelineSpec": "x"}, {"spec": {}}])
def test_what_is_not_a_job(tmp_path: Path, given: Any) -> None:
    assert refusal(given, tmp_path) == (
        "This is not a PipelineJob, for it has no pipelineSpec: give the JSON file that "
        "KubeflowV2DagRunner writes."
    )


def test_a_spec_with_an_unknown_field(tmp_path: Path) -> None:
    given = job({"step": step()})
    given["pipelineSpec"]["root"]["dag"]["tasks"]["step"]["retires"] = 3
    assert 'no field named "retires"' in refusal(given, tmp_path)


def test_a_job_without_tasks(tmp_path: Path) -> None:
    assert refusal(job({}), tmp_path) == "The job has no tasks."


def test_a_job_of_another_tfx(tmp_path: Path) -> None:
    given = job({"step": step()})
    ours = given["pipelineSpec"]["sdkVersion"]
    given["pipelineSpec"]["sdkVersion"] = "tfx-1.14.0"
    assert refusal(given, tmp_path) == (
        f"The job was compiled by tfx-1.14.0, while {ours} is installed here: compile it again."
    )


def test_a_job_of_another_sdk_is_accepted(tmp_path: Path) -> None:
    given = job({"step": step()})
    given["pipelineSpec"]["sdkVersion"] = "kfp-2.16.1"
    assert rehearse(given, tmp_path).state is State.SUCCEEDED


DECLARED = {
    "epochs": {"parameterType": "NUMBER_INTEGER"},
    "data_root": {"parameterType": "STRING"},
}


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"epochs": 1, "data_root": "x", "epoch": 2}, "no parameter epoch; did you mean epochs?"),
        ({"epochs": 1, "data_root": "x", "q": 2}, "no parameter q; It has: data_root, epochs."),
        ({"epochs": 1}, "needs a value for data_root: give --parameter NAME=VALUE"),
        ({"epochs": "one", "data_root": "x"}, "epochs is 'one', but the job declares it as NUMBER"),
        ({"epochs": 1.5, "data_root": "x"}, "epochs is 1.5, but the job declares it as NUMBER"),
        ({"epochs": True, "data_root": "x"}, "epochs is True, but the job declares it as NUMBER"),
        ({"epochs": 1, "data_root": 7}, "data_root is 7, but the job declares it as STRING"),
    ],
)
def test_parameters(tmp_path: Path, values: dict[str, Any], message: str) -> None:
    assert message in refusal(job({"step": step()}, DECLARED, parameterValues=values), tmp_path)


def test_a_parameter_that_the_root_does_not_declare(tmp_path: Path) -> None:
    steps = {"step": step(parameters={"x": {"componentInputParameter": "y"}})}
    assert "takes the job's parameter y, which the job's root does not" in refusal(
        job(steps), tmp_path
    )


@pytest.mark.parametrize("root", ["gs://", "gs:///x"])
def test_a_root_without_a_bucket(tmp_path: Path, root: str) -> None:
    given = job({"step": step()}, gcsOutputDirectory=root)
    assert "which names no bucket: write gs://BUCKET/FOLDER." in refusal(given, tmp_path)


def test_no_root(tmp_path: Path) -> None:
    assert "nowhere to write to" in refusal(job({"step": step()}, gcsOutputDirectory=""), tmp_path)


def test_a_parameter_without_a_bucket(tmp_path: Path) -> None:
    steps = {"step": step(parameters={"target": "gs:///models"})}
    assert refusal(job(steps), tmp_path) == (
        "Task step's target is gs:///models, which names no bucket: write gs://BUCKET/FOLDER."
    )


def test_tasks_in_a_cycle(tmp_path: Path) -> None:
    steps = {"a": step(after=("b",)), "b": step(after=("a",)), "c": step()}
    assert re.search(
        r"wait for each other, (a -> b -> a|b -> a -> b): take", refusal(job(steps), tmp_path)
    )


def test_an_edge_to_nowhere(tmp_path: Path) -> None:
    message = refusal(job({"a": step(after=("b",))}), tmp_path)
    assert message == "Task a depends on b, which the job lacks."


@pytest.mark.parametrize(
    ("executor", "kind"), [({"customJob": {"customJob": {}}}, "custom_job"), ({}, "nothing")]
)
def test_an_executor_of_another_kind(tmp_path: Path, executor: Any, kind: str) -> None:
    message = refusal(job({"step": step(executor=executor)}), tmp_path)
    assert message == (
        f"Task step has {kind} as its executor, which this machine cannot run: it runs containers, "
        "importers and resolvers."
    )


def with_command(*command: str, **parts: Any) -> Any:
    given = job({"step": step(**parts)})
    executor = given["pipelineSpec"]["deploymentSpec"]["executors"]["step_executor"]
    executor["container"]["command"] = list(command)
    return given


RUN_EXECUTOR = (
    "python",
    "-m",
    "tfx.orchestration.kubeflow.v2.container.kubeflow_v2_run_executor",
    "--executor_class_path",
)


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (("no-such-program",), "Task step runs no-such-program, which this machine lacks."),
        (("python", "-m", "tfx.no_such"), "runs module tfx.no_such, but there is no module tfx.no"),
        ((*RUN_EXECUTOR, "tfx.component.x.Executor"), "but there is no module tfx.component:"),
        (
            (*RUN_EXECUTOR, "tfx.components.trainer.executor.GenericExecutr"),
            "trainer/executor.py has no GenericExecutr, but GenericExecutor: correct the path",
        ),
    ],
)
def test_a_command_for_which_something_is_missing(
    tmp_path: Path, command: tuple[str, ...], message: str
) -> None:
    assert message in refusal(with_command(*command), tmp_path)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"run_fn": "models.no_such.run_fn"}, "but there is no module models.no_such: correct"),
        ({"run_fn": "models.train.run_fm"}, "models/train.py has no run_fm, but run_fn: correct"),
        ({"run_fn": "models.train.run_fn.x"}, "but models.train is no package"),
        ({"module_path": "no_such"}, "but there is no module no_such"),
        ({"module_path": "x@gs://b/x.whl"}, "module is in gs://b/x.whl, which is not there (it is"),
        ({"module_file": "gs://b/x.py"}, "module_file gs://b/x.py is not there (it is"),
        ({"module_file": "no/such.py"}, "module_file no/such.py is not there: copy the file"),
    ],
)
def test_user_code_that_is_not_there(
    tmp_path: Path, parameters: dict[str, str], message: str
) -> None:
    assert message in refusal(job({"step": step(parameters=parameters)}), tmp_path)


def test_user_code_that_does_not_parse(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text("def run_fn(:\n")
    given = job(
        {"step": step(parameters={"run_fn": "mine.run_fn"}, env={"PYTHONPATH": str(tmp_path)})}
    )
    assert f"{tmp_path}/mine.py, line 1: invalid syntax" in refusal(given, tmp_path / "store")


@pytest.mark.parametrize(
    "code",
    [
        "def run_fn(): ...",
        "from os import getcwd as run_fn",
        "from os import *",
        "try:\n    import numpy as run_fn\nexcept ImportError:\n    run_fn = None",
        "def __getattr__(name): ...",
    ],
)
def test_user_code_that_is_there(tmp_path: Path, code: str) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/code.py").write_text(code)
    parameters = {"run_fn": "mine.code.run_fn", "bare_fn": "run_fn", "json_fn": "{}"}
    given = job({"step": step(parameters=parameters, env={"PYTHONPATH": str(tmp_path)})})
    assert rehearse(given, tmp_path / "store").state is State.SUCCEEDED


def test_everything_that_is_wrong_is_named_at_once(tmp_path: Path) -> None:
    steps = {
        "a": step(parameters={"run_fn": "no_such.run_fn"}),
        "b": step(parameters={"module_file": "no_such.py", "target": "gs://"}),
    }
    assert len(refusal(job(steps), tmp_path).splitlines()) == 3


def test_data_that_was_not_copied(tmp_path: Path) -> None:
    given = job({"step": step(parameters={"input_base": "gs://b/data"})})
    folder = tmp_path / "gcs/b/data"
    message = (
        f"Task step reads gs://b/data, where there is nothing (it is {folder} here): copy your "
        "data there."
    )
    assert refusal(given, tmp_path) == message
    folder.mkdir(parents=True)
    assert refusal(given, tmp_path) == message
    (folder / "shard").touch()
    assert rehearse(given, tmp_path).state is State.SUCCEEDED


def test_an_image_by_tag_is_warned_of(tmp_path: Path) -> None:
    given = job({"a": step(), "b": step("'b'")})
    executors = given["pipelineSpec"]["deploymentSpec"]["executors"]
    executors["a_executor"]["container"]["image"] = "gcr.io/demo/image:latest"
    (warning,) = rehearse(given, tmp_path).warnings
    assert warning.startswith("image gcr.io/demo/image:latest is not named by its digest")


def test_a_store_that_another_rehearsal_uses(tmp_path: Path) -> None:
    messages = []

    def meanwhile(task: Any) -> None:
        if task.state is State.RUNNING:
            with pytest.raises(RehearsalError) as caught:
                rehearse(job({"step": step()}), tmp_path)
            messages.append(str(caught.value))

    rehearse(job({"step": step()}), tmp_path, on_change=meanwhile)
    assert messages == [
        f"Another rehearsal is using the store {tmp_path}; wait for it, or name another store."
    ]


def test_a_store_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert "cannot be written to" in refusal(job({"step": step()}), tmp_path / "file/store")


def test_a_file_that_is_no_store(tmp_path: Path) -> None:
    (tmp_path / "metadata.sqlite").write_text("something else, and long enough to be looked at" * 9)
    assert "is not the file of a rehearsal's store (file is not a database): move it" in refusal(
        job({"step": step()}), tmp_path
    )


FULL = """
import resource, sys
from pathlib import Path
from pipeline.rehearsal import RehearsalError, State, rehearse
from tests.pipeline.rehearsal.jobs import job, step

def fill(task=None):
    if task is None or task.state is State.SUCCEEDED:
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))

if sys.argv[2] == "full":
    fill()
try:
    rehearse(job({"a": step(), "b": step("'b'", after=("a",))}), Path(sys.argv[1]), on_change=fill)
except RehearsalError as error:
    sys.exit(str(error))
"""


@pytest.mark.parametrize("disk", ["full", "filled in the middle of the run"])
def test_a_store_without_room(tmp_path: Path, disk: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", FULL, str(tmp_path), disk], capture_output=True, text=True
    )
    assert done.returncode == 1
    assert re.fullmatch(r"The store's file .* cannot be written to .*: make room .*\n", done.stderr)
