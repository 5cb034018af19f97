"""Which model the compiled resolvers find, by their own queries."""

from pathlib import Path
from typing import Any

from pipeline.configs import load_settings
from pipeline.rehearsal import State, rehearse
from pipeline.vertex.runner import compiled_job
from tests.pipeline.rehearsal.jobs import job, saying, step
from tests.pipeline.vertex.conftest import VERTEX

MODEL_NAME = 'told["inputs"]["artifacts"]["model"]["artifacts"][0]["name"]'


def blessing(output: str, blessed: bool) -> str:
    """A script that notes a verdict on its input `model`, as the Evaluator and the Pusher do."""
    metadata = f'{{"blessed": {int(blessed)}, "current_model_id": {MODEL_NAME}}}'
    return saying() + (
        f'file.write_text(json.dumps({{"artifacts": {{"{output}": {{"artifacts": '
        f'[{{"metadata": {metadata}}}]}}}}}}))'
    )


def judged_job(mark: str, evaluator: bool, infra: bool) -> Any:
    """Trains and judges a model in steps that do nothing, beside the compiled resolvers."""
    judged = {"inputs": {"model": "Trainer.model"}, "args": ["{{$}}"]}
    steps = {
        "Trainer": step(f"'{mark}'", outputs=["model"]),
        "Evaluator": step(blessing("blessing", evaluator), outputs=["blessing"], **judged),
        "Pusher": step(
            blessing("pushed_model", True) if evaluator and infra else saying(),
            outputs=["pushed_model"],
            after=("Evaluator",),
            **judged,
        ),
    }
    put_together = job(steps)
    ours = put_together["pipelineSpec"]
    theirs = compiled_job(load_settings(env_file="none", **VERTEX))["pipelineSpec"]
    for name in steps:
        outputs = theirs["components"][name]["outputDefinitions"]["artifacts"]
        for key, definition in ours["components"][name]["outputDefinitions"]["artifacts"].items():
            definition["artifactType"] = outputs[key]["artifactType"]
    for name, task in theirs["root"]["dag"]["tasks"].items():
        if name.startswith("latest_blessed_model"):
            ours["root"]["dag"]["tasks"][name] = task
            ours["components"][name] = theirs["components"][name]
            label = theirs["components"][name]["executorLabel"]
            ours["deploymentSpec"]["executors"][label] = theirs["deploymentSpec"]["executors"][
                label
            ]
    return put_together


def test_the_last_model_that_both_blessed(tmp_path: Path) -> None:
    def models(mark: str, **verdicts: bool) -> tuple[Any, Any]:
        outcome = rehearse(judged_job(mark, **verdicts), tmp_path)
        assert outcome.state is State.SUCCEEDED, outcome
        found = outcome.tasks["latest_blessed_model-model-resolver"].outputs.artifacts["model"]
        return outcome.tasks["Trainer"].outputs.artifacts["model"], found

    first, found = models("first", evaluator=True, infra=True)
    assert found == []
    for mark, verdicts in {"second": (True, False), "third": (False, True)}.items():
        model, found = models(mark, evaluator=verdicts[0], infra=verdicts[1])
        assert found == first != model
    assert models("fourth", evaluator=True, infra=True)[1] == first
