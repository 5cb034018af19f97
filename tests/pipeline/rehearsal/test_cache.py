"""What a later rehearsal takes from an earlier one: cached outputs, and answers to queries."""

import copy
from pathlib import Path
from typing import Any

import pytest

from pipeline.rehearsal import Outcome, State, rehearse
from tests.pipeline.rehearsal.jobs import DATASET, job, saying, step

STEPS = {
    "first": step(outputs=["data"]),
    "second": step(inputs={"data": "first.data"}, parameters={"count": 1}),
}


def executed(outcome: Outcome) -> list[str]:
    assert outcome.state is State.SUCCEEDED
    return [task.name for task in outcome.tasks.values() if task.state is not State.SKIPPED]


def test_the_same_job_again_runs_nothing(tmp_path: Path) -> None:
    first = rehearse(job(STEPS), tmp_path)
    again = rehearse(job(STEPS), tmp_path)
    assert executed(first) == ["first", "second"]
    assert executed(again) == []
    assert again.tasks["first"].outputs == first.tasks["first"].outputs


def change_image(again: Any) -> None:
    executor = again["pipelineSpec"]["deploymentSpec"]["executors"]["second_executor"]
    executor["container"]["image"] = "gcr.io/demo/image@sha256:1"


def change_arguments(again: Any) -> None:
    executor = again["pipelineSpec"]["deploymentSpec"]["executors"]["second_executor"]
    executor["container"]["args"] = ["more"]


def change_parameter(again: Any) -> None:
    parameters = again["pipelineSpec"]["root"]["dag"]["tasks"]["second"]["inputs"]["parameters"]
    parameters["count"] = {"runtimeValue": {"constant": 2}}


def change_outputs(again: Any) -> None:
    definitions = again["pipelineSpec"]["components"]["second"]["outputDefinitions"]
    definitions["artifacts"]["more"] = {"artifactType": DATASET}


def forbid(again: Any) -> None:
    again["pipelineSpec"]["root"]["dag"]["tasks"]["second"]["cachingOptions"] = {}


@pytest.mark.parametrize(
    "change", [change_image, change_arguments, change_parameter, change_outputs, forbid]
)
def test_a_changed_step_runs_again(tmp_path: Path, change: Any) -> None:
    rehearse(job(STEPS), tmp_path)
    again = copy.deepcopy(job(STEPS))
    change(again)
    assert executed(rehearse(again, tmp_path)) == ["second"]


def test_what_depends_on_a_step_that_ran_again_runs_again(tmp_path: Path) -> None:
    rehearse(job(STEPS), tmp_path)
    changed = {**STEPS, "first": step("pass", outputs=["data"])}
    assert executed(rehearse(job(changed), tmp_path)) == ["first", "second"]


def test_another_pipeline_shares_nothing(tmp_path: Path) -> None:
    rehearse(job(STEPS), tmp_path)
    other = job(STEPS)
    other["pipelineSpec"]["pipelineInfo"]["name"] = "other"
    assert executed(rehearse(other, tmp_path)) == ["first", "second"]


def test_without_the_cache_every_step_runs(tmp_path: Path) -> None:
    rehearse(job(STEPS), tmp_path)
    assert executed(rehearse(job(STEPS), tmp_path, use_cache=False)) == ["first", "second"]


def test_a_failure_is_not_cached(tmp_path: Path) -> None:
    switch = tmp_path / "switch"
    script = "import pathlib, sys; sys.exit(not pathlib.Path(sys.argv[1]).exists())"
    steps = {"step": step(script, args=[str(switch)])}
    assert rehearse(job(steps), tmp_path / "store").state is State.FAILED
    switch.touch()
    assert rehearse(job(steps), tmp_path / "store").tasks["step"].state is State.SUCCEEDED


def test_what_the_driver_finds_is_part_of_the_key(tmp_path: Path) -> None:
    fingerprint = tmp_path / "fingerprint"
    driver = (
        saying()
        + f"""
file.write_text(json.dumps({{"parameterValues": {{
    "fingerprint": pathlib.Path({str(fingerprint)!r}).read_text()}}}}))
"""
    )
    steps = {"step": step(driver=driver, parameters={"input": "data"})}
    ran = []
    for content in ("one", "one", "two"):
        fingerprint.write_text(content)
        ran.append(executed(rehearse(job(steps), tmp_path / "store")))
    assert ran == [["step"], [], ["step"]]


BLESSED = """schema_title="tfx.Blessing" AND state=LIVE AND metadata.blessed.number_value=1"""
MODEL = (
    'schema_title="tfx.Dataset" AND state=LIVE AND '
    "name=\"{{$.inputs.artifacts['input'].metadata['current_model_id']}}\""
)


def blessing_job(blessed: int, mark: str) -> Any:
    """Trains, judges, and looks up what an earlier run blessed, as TFX compiles it."""
    judge = (
        saying()
        + f"""
name = told["inputs"]["artifacts"]["model"]["artifacts"][0]["name"]
metadata = {{"blessed": {blessed}, "current_model_id": name}}
file.write_text(json.dumps(
    {{"artifacts": {{"blessing": {{"artifacts": [{{"metadata": metadata}}]}}}}}}))
"""
    )
    query = {"resolver": {"outputArtifactQueries": {"blessing": {"filter": BLESSED}}}}
    follow_up = {"resolver": {"outputArtifactQueries": {"model": {"filter": MODEL}}}}
    given = job(
        {
            "trainer": step(f"'{mark}'", outputs=["model"]),
            "judge": step(
                judge,
                inputs={"model": "trainer.model", "baseline": "model_resolver.model"},
                outputs=["blessing"],
                args=["{{$}}"],
            ),
            "blessing_resolver": step(outputs=["blessing"], executor=query),
            "model_resolver": step(
                inputs={"input": "blessing_resolver.blessing"},
                outputs=["model"],
                executor=follow_up,
            ),
        }
    )
    definitions = given["pipelineSpec"]["components"]["judge"]["outputDefinitions"]
    definitions["artifacts"]["blessing"]["artifactType"] = {
        "instanceSchema": "title: tfx.Blessing\ntype: object\n"
    }
    return given


def test_resolvers_find_the_newest_blessed_model_of_earlier_runs_or_nothing(tmp_path: Path) -> None:
    def models(blessed: int, mark: str) -> tuple[Any, Any]:
        outcome = rehearse(blessing_job(blessed, mark), tmp_path)
        assert outcome.state is State.SUCCEEDED
        found = outcome.tasks["model_resolver"].outputs.artifacts["model"]
        return outcome.tasks["trainer"].outputs.artifacts["model"], found

    first, found = models(blessed=1, mark="first")
    assert found == []
    second, found = models(blessed=1, mark="second")
    assert found == first
    third, found = models(blessed=0, mark="third")
    assert found == second
    assert models(blessed=0, mark="fourth")[1] == second
    assert third != second


def test_a_query_beyond_those_of_tfx_fails_the_step(tmp_path: Path) -> None:
    query = {"resolver": {"outputArtifactQueries": {"x": {"filter": 'uri="a" OR uri="b"'}}}}
    steps = {"first": step(outputs=["x"]), "look": step(outputs=["x"], executor=query)}
    steps["look"]["after"] = ["first"]
    outcome = rehearse(job(steps), tmp_path)
    assert "beyond what TFX's compiler writes" in outcome.tasks["look"].error
