"""Placeholders inside the constants of a task, which KFP's compiler writes for f-strings."""

import copy
from pathlib import Path
from typing import Any

import pytest

from pipeline.rehearsal import Outcome, RehearsalError, State, rehearse
from tests.pipeline.rehearsal.jobs import job, step

ECHO = "import sys; print(sys.argv[1])"
DECLARED = {
    "steps": {"parameterType": "NUMBER_INTEGER"},
    "rate": {"parameterType": "NUMBER_DOUBLE"},
    "model": {"parameterType": "STRING"},
    "layers": {"parameterType": "LIST"},
    "augment": {"parameterType": "BOOLEAN"},
    "comment": {"parameterType": "STRING", "isOptional": True},
}
VALUES = {"steps": 8.0, "rate": 1e-3, "model": 'u "net"', "layers": [1, "a"], "augment": True}


def echo(text: str) -> dict[str, Any]:
    """A step that prints a parameter, and whose other parameters are the job's."""
    return step(ECHO, parameters={"text": text}, args=["{{$.inputs.parameters['text']}}"])


def parametrised(steps: dict[str, Any], /, *takers: str, **values: Any) -> Any:
    """A job of which some steps take all its parameters."""
    given = job(copy.deepcopy(steps), DECLARED, parameterValues={**VALUES, **values})
    spec = given["pipelineSpec"]
    for name in takers:
        spec["components"][name]["inputDefinitions"]["parameters"].update(DECLARED)
        spec["root"]["dag"]["tasks"][name]["inputs"]["parameters"].update(
            {parameter: {"componentInputParameter": parameter} for parameter in DECLARED}
        )
    return given


def printed(outcome: Outcome, name: str = "step") -> str:
    assert outcome.state is State.SUCCEEDED, outcome.tasks[name].error
    return outcome.tasks[name].log.read_text().strip()


def parameter(name: str) -> str:
    return f"{{{{$.inputs.parameters['{name}']}}}}"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("steps", "8"),
        ("rate", "0.001"),
        ("model", 'u "net"'),
        ("layers", '[1.0, "a"]'),
        ("augment", "true"),
    ],
)
def test_a_value_is_put_in_as_its_type_is_written(tmp_path: Path, name: str, text: str) -> None:
    given = parametrised({"step": echo(f"<{parameter(name)}>")}, "step", layers=[1.0, "a"])
    assert printed(rehearse(given, tmp_path)) == f"<{text}>"


def test_schema_2_0_writes_constants_and_values_otherwise(tmp_path: Path) -> None:
    given = parametrised({"step": echo("")}, "step")
    spec = given["pipelineSpec"]
    given["runtimeConfig"] = {
        "gcsOutputDirectory": given["runtimeConfig"]["gcsOutputDirectory"],
        "parameters": {"steps": {"intValue": "8"}, "model": {"stringValue": "unet"}},
    }
    for inputs in (
        spec["root"]["inputDefinitions"],
        spec["components"]["step"]["inputDefinitions"],
    ):
        inputs["parameters"] = {"steps": {"type": "INT"}, "model": {"type": "STRING"}}
    spec["components"]["step"]["inputDefinitions"]["parameters"]["text"] = {"type": "STRING"}
    config = f'{{"model": "{parameter("model")}", "steps": {parameter("steps")}}}'
    spec["root"]["dag"]["tasks"]["step"]["inputs"]["parameters"] = {
        "text": {"runtimeValue": {"constantValue": {"stringValue": config}}},
        "model": {"componentInputParameter": "model"},
        "steps": {"runtimeValue": {"runtimeParameter": "steps"}},
    }
    assert printed(rehearse(given, tmp_path)) == '{"model": "unet", "steps": 8}'


def test_names_are_put_in_too(tmp_path: Path) -> None:
    steps = {"step": echo("{{$.pipeline_job_name}}/{{$.pipeline_task_name}}")}
    assert printed(rehearse(job(steps), tmp_path, run_id="run-1")) == "run-1/step"


def test_what_another_step_put_out_is_put_in(tmp_path: Path) -> None:
    output = {"taskOutputParameter": {"producerTask": "first", "outputParameterKey": "x"}}
    steps = {
        "first": step(
            "import sys; open(sys.argv[1], 'w').write('found')",
            output_parameters=["x"],
            args=["{{$.outputs.parameters['x'].output_file}}"],
        ),
        "step": step(
            ECHO,
            parameters={"x": output, "text": f"<{parameter('x')}>"},
            args=["{{$.inputs.parameters['text']}}"],
        ),
    }
    assert printed(rehearse(job(steps), tmp_path)) == "<found>"


@pytest.mark.parametrize(
    "placeholder",
    [
        parameter("no_such"),
        parameter("text"),
        parameter("comment"),  # which the run does not set
        "{{$.no_such_name}}",
        "{{$.outputs.artifacts['x'].uri}}",
    ],
)
def test_a_placeholder_for_nothing_is_refused_before_anything_runs(
    tmp_path: Path, placeholder: str
) -> None:
    given = parametrised({"first": step(), "step": echo(placeholder)}, "step")
    message = f"Task step has {placeholder} in its parameter text, which stands for nothing"
    with pytest.raises(RehearsalError) as refusal:
        rehearse(given, tmp_path)
    assert message in str(refusal.value)
    assert not (tmp_path / "runs").exists()


def executed(outcome: Outcome) -> set[str]:
    assert outcome.state is State.SUCCEEDED
    return {name for name, task in outcome.tasks.items() if task.state is not State.SKIPPED}


def test_another_value_of_a_parameter_runs_only_the_steps_that_take_it(tmp_path: Path) -> None:
    train = {
        "inputs": {"data": "read.data"},
        "parameters": {"text": f"steps={parameter('steps')}"},
    }
    steps = {"read": step(outputs=["data"]), "train": step(**train), "other": step("'other'")}

    def run(count: int) -> set[str]:
        return executed(rehearse(parametrised(steps, "train", steps=count), tmp_path))

    assert run(8) == {"read", "train", "other"}
    assert run(8) == set()
    assert run(9) == {"train"}
    assert run(8) == set()


def test_a_step_that_is_told_the_runs_name_is_never_taken_from_the_cache(tmp_path: Path) -> None:
    steps = {"named": echo("{{$.pipeline_job_name}}"), "other": step()}
    assert executed(rehearse(job(steps), tmp_path)) == {"named", "other"}
    assert executed(rehearse(job(steps), tmp_path)) == {"named"}
