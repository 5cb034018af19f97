"""What Vertex AI's emulator refuses in a pipeline job."""

from functools import reduce

import pytest
from google.cloud.aiplatform import initializer, utils
from google.cloud.aiplatform_v1 import types

from tests.emulators.child import Refused
from tests.emulators.submitting import pipeline_spec


def create(
    job: dict, job_id: str = "pets-1", project: str = "demo-project", region: str = "us-central1"
):
    """Sends a job that the client has not looked at."""
    client = initializer.global_config.create_client(utils.PipelineJobClientWithOverride)
    client.create_pipeline_job(
        parent=f"projects/{project}/locations/{region}",
        pipeline_job=types.PipelineJob(job),
        pipeline_job_id=job_id,
    )


def job_of(spec: dict, **changes) -> dict:
    config = {"gcs_output_directory": "gs://b/root", "parameters": {"epochs": {"int_value": 3}}}
    return {
        "display_name": "pets",
        "pipeline_spec": spec,
        "runtime_config": {**config, **changes.pop("runtime_config", {})},
        **changes,
    }


def without(*path: str) -> dict:
    spec = pipeline_spec()
    fields = reduce(dict.__getitem__, path[:-1], spec)
    del fields[path[-1]]
    return spec


def changed(value: object, *path: str) -> dict:
    spec = pipeline_spec()
    reduce(dict.__getitem__, path[:-1], spec)[path[-1]] = value
    return spec


RUN = ("deploymentSpec", "executors", "run", "container")
TASKS = ("root", "dag", "tasks")


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        (changed(1, "rot"), 'no field named "rot"'),
        (changed({"image": 1}, *RUN), "Invalid deployment_spec: .*image"),
        (changed("1.0.0", "schemaVersion"), "found schema_version '1.0.0'"),
        (changed({"name": "Pets!"}, "pipelineInfo"), "found the name 'Pets!'"),
        (without(*RUN, "image"), "executor 'run' has no container image"),
        (without("components", "First"), "refers to no component 'First'"),
        (changed({}, "components", "First"), "component 'First' has no executor ''"),
        (changed({}, *TASKS), "root.dag has no tasks"),
        (changed(["Third"], *TASKS, "Second", "dependentTasks"), "depends on 'Third'"),
        (changed(["Second"], *TASKS, "First", "dependentTasks"), "wait for each other"),
        (
            changed(
                {"parameters": {"x": {"componentInputParameter": "size"}}},
                *(*TASKS, "First", "inputs"),
            ),
            "takes 'size', which is no parameter of 'root'",
        ),
    ],
)
def test_spec_that_does_not_hold(either_cloud, spec, message):
    with pytest.raises(Refused, match=message) as refused:
        either_cloud(create, job_of(spec))
    assert refused.value.kind in ("InvalidArgument", "BadRequest")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"runtime_config": {"parameters": {}}}, "'epochs' has no value and no default"),
        ({"runtime_config": {"parameters": {"size": {}}}}, "'size' is no parameter"),
        ({"runtime_config": {"parameters": {"epochs": {"string_value": "3"}}}}, "expected INT"),
        ({"runtime_config": {"parameter_values": {"epochs": 3}}}, "are given as parameters"),
        ({"runtime_config": {"gcs_output_directory": "/tmp"}}, "expected a gs:// URI"),
        ({"labels": {"Owner": "me"}}, "Invalid label key 'Owner'"),
        ({"labels": {"owner": "a b"}}, "Invalid value 'a b' of label 'owner'"),
        ({"labels": {f"label-{n}": "" for n in range(65)}}, "found 65, expected at most 64"),
        ({"display_name": "x" * 129}, "found 129 characters"),
        ({"network": "vpc"}, "Invalid network: found 'vpc'"),
        ({"encryption_spec": {"kms_key_name": "key"}}, "kms_key_name: found 'key'"),
    ],
)
def test_job_that_does_not_hold(either_cloud, changes, message):
    with pytest.raises(Refused, match=message):
        either_cloud(create, job_of(pipeline_spec(), **changes))


@pytest.mark.parametrize("job_id", ["Pets", "1pets", "pets_1", "p" * 129])
def test_bad_id(vertex, either_cloud, job_id):
    with pytest.raises(Refused, match=f"Invalid pipeline_job_id: found '{job_id}'"):
        either_cloud(create, job_of(pipeline_spec()), job_id)
    assert not vertex.jobs


def test_other_project(either_cloud):
    with pytest.raises(Refused, match="PipelineJob.*denied on .*projects/other/") as refused:
        either_cloud(create, job_of(pipeline_spec()), project="other")
    assert refused.value.kind in ("PermissionDenied", "Forbidden")


def test_other_region(either_cloud):
    with pytest.raises(Refused, match="projects/demo-project/locations/europe-west4 is not found"):
        either_cloud(create, job_of(pipeline_spec()), region="europe-west4")
