"""What holds for all of Vertex AI's emulator: who may call it, and what outlives it."""

import pytest
import requests
from google.cloud import aiplatform
from google.cloud.aiplatform_v1 import types
from google.oauth2.credentials import Credentials

from tests.emulators.child import Refused
from tests.emulators.submitting import Runner, pipeline_spec, submit, with_client, write_job
from tests.emulators.vertex import FolderInUse, VertexEmulator

State = types.PipelineState


def count_jobs() -> int:
    return len(aiplatform.PipelineJob.list())


@pytest.fixture
def run_job(cloud, bucket, tmp_path):
    """Submits a job."""
    path = write_job(tmp_path, pipeline_spec())
    return lambda: cloud(submit, path, f"{bucket}/root")


@pytest.mark.parametrize("seconds", [3600, -1])
def test_access_token(gcs, vertex, child, client_settings, seconds):
    client_settings["credentials"] = Credentials(gcs.accounts.token(gcs.account, seconds))
    if seconds > 0:
        assert child(with_client, client_settings, count_jobs) == 0
        return
    with pytest.raises(Refused, match="the access token has expired") as refused:
        child(with_client, client_settings, count_jobs)
    assert refused.value.kind == "Unauthenticated"


def test_account_without_a_role(gcs, vertex, child, client_settings):
    account = gcs.accounts.add("stranger", permitted=False)
    client_settings["credentials"] = Credentials(gcs.accounts.token(account))
    with pytest.raises(Refused, match="stranger@demo.* lacks a role") as refused:
        child(with_client, client_settings, count_jobs)
    assert refused.value.kind == "PermissionDenied"


def test_no_token(vertex):
    jobs = f"{vertex.rest_url}/v1/projects/demo-project/locations/us-central1/pipelineJobs"
    answer = requests.get(jobs)
    assert answer.status_code == 401
    assert answer.json()["error"]["status"] == "UNAUTHENTICATED"


def test_json_that_does_not_parse(gcs, vertex):
    jobs = f"{vertex.rest_url}/v1/projects/demo-project/locations/us-central1/pipelineJobs"
    headers = {"Authorization": f"Bearer {gcs.accounts.token(gcs.account)}"}
    for body in ("{", '{"displayNam": "pets"}'):
        error = requests.post(jobs, body, headers=headers).json()["error"]
        assert error["code"] == 400
        assert error["message"].startswith("Invalid JSON payload received.")


def test_requests_are_noted(vertex, run_job):
    run_job()
    vertex.wait("pets-1")
    noted = [(request.method, request.transport, request.status) for request in vertex.requests]
    assert noted == [("GetProject", "grpc", "OK"), ("CreatePipelineJob", "grpc", "OK")]


def test_jobs_outlive_the_emulator(gcs, runner, vertex, run_job, cloud, tmp_path):
    run_job()
    finished = vertex.wait("pets-1")
    vertex.close()
    with VertexEmulator(tmp_path / "vertex", gcs, runner) as again:
        assert again.job("pets-1") == finished
        assert cloud(count_jobs) == 1


def test_job_interrupted_by_the_end(gcs, runner, vertex, run_job, tmp_path):
    runner.released.clear()
    run_job()
    vertex.close()
    with VertexEmulator(tmp_path / "vertex", gcs, runner) as again:
        job = again.job("pets-1")
    assert job.state == State.PIPELINE_STATE_FAILED
    assert job.error.message == "The emulator ended while the job ran."


def test_folder_in_use(gcs, vertex, tmp_path):
    with pytest.raises(FolderInUse, match="Another Vertex AI emulator is using"):
        VertexEmulator(tmp_path / "vertex", gcs, Runner())
