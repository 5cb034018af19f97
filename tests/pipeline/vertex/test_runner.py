"""The compiled job: what the service will read in it."""

import json
from pathlib import Path
from typing import Any

import pytest
from google.cloud.aiplatform_v1 import types
from google.protobuf import json_format
from kfp.pipeline_spec import pipeline_spec_pb2

from pipeline.configs import load_settings
from pipeline.pipeline import create_pipeline
from pipeline.runs.provenance import commit_label
from pipeline.vertex.engine import vertex_engine
from pipeline.vertex.recorded import RECORDER
from pipeline.vertex.runner import VertexRunner
from tests.conftest import REPOSITORY, Workplace
from tests.pipeline.test_pipeline import EDGES
from tests.pipeline.vertex.conftest import IMAGE, KEY, NETWORK, VERTEX

ENVIRONMENT = {name.upper(): value for name, value in VERTEX.items()}
CONTAINERS = set(EDGES) - {"latest_blessed_model"} | {"HFPusher"}


def compiled(folder: Path, **overrides: object) -> dict[str, Any]:
    settings = load_settings(env_file="none", **{**VERTEX, **overrides})
    graph = create_pipeline(settings.load_recipe(), vertex_engine(settings), settings)
    runner = VertexRunner(settings)
    runner._output_dir = str(folder)
    job = runner.run(graph)
    assert json.loads((folder / "pipeline.json").read_text()) == job
    return job


@pytest.fixture(scope="module")
def job(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return compiled(tmp_path_factory.mktemp("job"), hf_repo_id="demo/pets", epochs=3)


def tasks(job: dict[str, Any]) -> dict[str, Any]:
    return job["pipelineSpec"]["root"]["dag"]["tasks"]


def container(job: dict[str, Any], task: str) -> dict[str, Any]:
    return job["pipelineSpec"]["deploymentSpec"]["executors"][f"{task}_executor"]["container"]


def parameters(job: dict[str, Any], task: str) -> dict[str, Any]:
    return tasks(job)[task]["inputs"]["parameters"]


def test_it_is_a_job_by_the_services_own_protos(job: dict[str, Any]) -> None:
    parsed = json_format.ParseDict(job["pipelineSpec"], pipeline_spec_pb2.PipelineSpec())
    assert parsed.pipeline_info.name == "segformer-training-pipeline"
    assert parsed.sdk_version == "tfx-1.21.0"


def test_a_recipe_outside_the_repository_travels_in_the_job(tmp_path: Path) -> None:
    recipe = tmp_path / "leaves.toml"
    recipe.write_text(
        'base = "pets"\nname = "leaves"\nclass_names = ["leaf", "soil"]\nslices = ["season"]\n'
        "palette = [[204, 61, 61], [61, 103, 204]]\n[gate]\nmax_drop = 0.02\n"
        "limits = { mean_iou = 0.3 }\n"
    )
    job = compiled(tmp_path, recipe=str(recipe))
    told = json.dumps(job)
    assert str(tmp_path) not in told and str(REPOSITORY) not in told
    schema = parameters(job, "ImportSchemaGen")["schema_text"]["runtimeValue"]["constantValue"]
    assert 'name: "season"' in schema["stringValue"]
    assert '\\"class_names\\": [\\"leaf\\", \\"soil\\"]' in told


def test_the_recipe_of_another_task_is_a_job_too(tmp_path: Path) -> None:
    job = compiled(tmp_path, recipe="cifar10", hf_repo_id="demo/cifar10")
    parsed = json_format.ParseDict(job["pipelineSpec"], pipeline_spec_pb2.PipelineSpec())
    assert parsed.pipeline_info.name == "cifar10-training-pipeline"
    assert set(parsed.deployment_spec["executors"]) >= {f"{step}_executor" for step in CONTAINERS}
    assert "calibration-*.tfrecord" in json.dumps(parameters(job, "ImportExampleGen"))
    trained = json.dumps(parameters(job, "Trainer"))
    assert "classification" in trained and "airplane" in trained


def test_every_step_is_tried_again_on_a_machine_of_the_images_digest(job: dict[str, Any]) -> None:
    for name in CONTAINERS:
        assert tasks(job)[name]["retryPolicy"]["maxRetryCount"] == 2
        assert container(job, name)["image"] == IMAGE
        assert container(job, name)["resources"]["memoryLimit"] > 0


def test_what_changes_from_run_to_run_is_a_parameter_with_a_value(job: dict[str, Any]) -> None:
    assert job["runtimeConfig"]["parameters"] == {
        "data_root": {"stringValue": VERTEX["data_root"]},
        "epochs": {"intValue": "3"},
        "learning_rate": {"doubleValue": 0.004},
    }
    defined = job["pipelineSpec"]["root"]["inputDefinitions"]["parameters"]
    assert set(defined) == set(job["runtimeConfig"]["parameters"])
    example_gen = parameters(job, "ImportExampleGen")
    assert example_gen["input_base"] == {"componentInputParameter": "data_root"}


def test_the_commit_is_a_label_and_part_of_no_step(job: dict[str, Any]) -> None:
    """What the service has cached is found for the same steps of another commit."""
    [commit] = commit_label(REPOSITORY).values() or [None]
    assert job["labels"].get("commit") == commit
    assert commit is None or commit not in json.dumps(job["pipelineSpec"])


def test_a_recorded_job_has_one_more_task_which_waits_for_all(
    job: dict[str, Any], tmp_path: Path
) -> None:
    tracking = {"mlflow_tracking_uri": "https://mlflow.example", "mlflow_experiment_name": "pets"}
    recorded = compiled(tmp_path, hf_repo_id="demo/pets", epochs=3, **tracking)
    last = tasks(recorded).pop(RECORDER)
    assert tasks(recorded) == tasks(job)
    assert set(last["dependentTasks"]) == set(tasks(job))
    assert last["triggerPolicy"] == {"strategy": "ALL_UPSTREAM_TASKS_COMPLETED"}
    assert "cachingOptions" not in last
    told = {one["name"]: one["value"] for one in container(recorded, "Trainer").pop("env")}
    assert told.items() > {name.upper(): value for name, value in tracking.items()}.items()
    executors = recorded["pipelineSpec"]["deploymentSpec"]["executors"]
    assert "epochs={{$.inputs.parameters['epochs']}}" in container(recorded, RECORDER)["args"]
    del executors[f"{RECORDER}_executor"]
    # Caches answer by what a step is told: of the run it is nothing.
    assert recorded["pipelineSpec"]["deploymentSpec"] == job["pipelineSpec"]["deploymentSpec"]


def test_parameters_reach_into_the_configuration_of_a_step(job: dict[str, Any]) -> None:
    values = {"data_root": "gs://other/data", "epochs": 9, "learning_rate": 0.001}
    told = {task: resolved(job, task, values) for task in ("Trainer", "HFPusher")}
    assert told["Trainer"]["training"]["epochs"] == 9
    assert told["Trainer"]["training"]["learning_rate"] == 0.001
    assert told["HFPusher"]["data_root"] == "gs://other/data"


def resolved(job: dict[str, Any], task: str, values: dict[str, Any]) -> dict[str, Any]:
    """A task's custom_config as the service hands it over."""
    given = parameters(job, task)
    text = given["custom_config"]["runtimeValue"]["constantValue"]["stringValue"]
    for name, value in values.items():
        if name in given:
            assert given[name] == {"componentInputParameter": name}
            text = text.replace(f"{{{{$.inputs.parameters['{name}']}}}}", str(value))
    assert "{{" not in text
    return json.loads(text)


def test_a_gpu_is_the_trainers_own_unless_vertex_training_has_it(tmp_path: Path) -> None:
    alone = compiled(tmp_path, training_accelerator="NVIDIA_TESLA_T4")
    gpu = {"type": "NVIDIA_TESLA_T4", "count": "1"}
    assert container(alone, "Trainer")["resources"]["accelerator"] == gpu
    assert "accelerator" not in container(alone, "Evaluator")["resources"]
    elsewhere = compiled(
        tmp_path,
        training_accelerator="NVIDIA_TESLA_T4",
        training_machine_type="n1-standard-8",
        google_cloud_project="demo-project",
    )
    assert "accelerator" not in container(elsewhere, "Trainer")["resources"]


def test_a_search_has_the_trainers_machine_in_its_own_step(tmp_path: Path) -> None:
    job = compiled(
        tmp_path,
        tune=True,
        training_accelerator="NVIDIA_TESLA_T4",
        training_accelerator_count=2,
        training_machine_type="n1-highmem-8",
        google_cloud_project="demo-project",
    )
    assert container(job, "Tuner")["resources"] == {
        "cpuLimit": 8.0,
        "memoryLimit": 52.0,
        "accelerator": {"type": "NVIDIA_TESLA_T4", "count": "2"},
    }


def test_what_a_search_decides_on_is_no_parameter(tmp_path: Path) -> None:
    job = compiled(tmp_path, tune=True)
    assert set(job["runtimeConfig"]["parameters"]) == {"data_root", "epochs"}
    given = compiled(tmp_path, tune=True, learning_rate=0.01)
    assert given["runtimeConfig"]["parameters"]["learning_rate"] == {"doubleValue": 0.01}


def test_network_and_key_are_of_the_job_itself(tmp_path: Path) -> None:
    job = compiled(tmp_path, vpc_network=NETWORK, encryption_key=KEY)
    parsed = json_format.ParseDict(job, types.PipelineJob.pb()())
    assert (parsed.network, parsed.encryption_spec.kms_key_name) == (NETWORK, KEY)


def test_what_tfx_would_submit_without_network_and_key_is_refused(workplace: Workplace) -> None:
    done = workplace.run(
        "python kubeflow_runner.py", **ENVIRONMENT, VPC_NETWORK=NETWORK, ENCRYPTION_KEY=KEY
    )
    assert done.returncode == 2
    assert "submits a job without VPC_NETWORK and ENCRYPTION_KEY; submit it with" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_setting_that_is_missing_is_one_sentence(workplace: Workplace) -> None:
    done = workplace.run("python kubeflow_runner.py")
    assert done.returncode == 2
    assert "PIPELINE_IMAGE is not set" in done.stderr
    assert "Traceback" not in done.stderr
