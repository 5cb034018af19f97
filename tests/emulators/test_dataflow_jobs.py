"""Dataflow's jobs beside Vertex AI's emulator, as Google's client asks for them."""

from collections.abc import Callable

import pytest
from google.cloud.dataflow_v1beta3 import types

from tests.emulators.child import ChildProcess, Refused
from tests.emulators.dataflow_jobs import begin, send
from tests.emulators.vertex import VertexEmulator

Filter = types.ListJobsRequest.Filter
Ask = Callable[..., object]


@pytest.fixture
def ask(child: ChildProcess, vertex: VertexEmulator) -> Ask:
    return lambda method, **fields: child(send, method, **fields)


@pytest.fixture
def jobs(child: ChildProcess, vertex: VertexEmulator) -> list[str]:
    """Ids of three jobs, of which the first has done its work."""
    ids = [child(begin, f"job-{number}", {"number": str(number)}) for number in range(3)]
    vertex.dataflow.finish(ids[0])
    return ids


@pytest.mark.parametrize(
    ("filter_", "expected"),
    [
        (Filter.ACTIVE, [1, 2]),
        (Filter.TERMINATED, [0]),
        (Filter.ALL, [1, 2, 0]),
        (Filter.UNKNOWN, [2, 1, 0]),
    ],
)
def test_a_list_is_by_state_and_in_pages(
    ask: Ask, jobs: list[str], filter_: int, expected: list[int]
) -> None:
    token, found = "", []
    while len(found) < len(expected):
        page = ask("list_jobs", filter=filter_, page_size=1, page_token=token)
        found += [job.id for job in page.jobs]
        token = page.next_page_token
    assert found == [jobs[number] for number in expected]
    assert token == ""


def test_labels_are_shown_by_a_job_and_not_by_a_list(ask: Ask, jobs: list[str]) -> None:
    listed = ask("list_jobs", name="job-1").jobs
    assert [(job.id, dict(job.labels)) for job in listed] == [(jobs[1], {})]
    assert dict(ask("get_job", job_id=jobs[1], view=1).labels) == {}
    assert dict(ask("get_job", job_id=jobs[1], view=3).labels) == {"number": "1"}


def test_a_job_is_cancelled_after_a_while_and_only_once(ask: Ask, jobs: list[str]) -> None:
    cancel = {"job": {"requested_state": types.JobState.JOB_STATE_CANCELLED}}
    answer = ask("update_job", job_id=jobs[1], **cancel)
    assert answer.current_state == types.JobState.JOB_STATE_CANCELLING
    seen = ask("get_job", job_id=jobs[1]).current_state
    assert seen == types.JobState.JOB_STATE_CANCELLED
    for ended in jobs[:2]:
        with pytest.raises(Refused, match="has terminated"):
            ask("update_job", job_id=ended, **cancel)


def test_an_active_job_is_found_by_the_name_of_a_new_one(
    child: ChildProcess, jobs: list[str]
) -> None:
    assert child(begin, "job-1", {}) == jobs[1]
    assert child(begin, "job-0", {}) != jobs[0]


@pytest.mark.parametrize(
    ("method", "fields", "message"),
    [
        ("create_job", {"job": {"name": "Job"}}, "does not match"),
        (
            "create_job",
            {"job": {"name": "job", "labels": {"of": "x" * 64}}},
            "at most 63 characters",
        ),
        ("get_job", {"job_id": "1"}, "could not be found"),
        ("get_job", {"job_id": "1", "location": "europe-west4"}, "location .* is not found"),
        ("get_job", {"job_id": "1", "project_id": "other"}, "project is unknown"),
        ("list_jobs", {"page_token": "next"}, "is not valid"),
    ],
)
def test_what_the_service_refuses(ask: Ask, method: str, fields: dict, message: str) -> None:
    with pytest.raises(Refused, match=message):
        ask(method, **fields)


def test_a_batch_job_does_not_drain(ask: Ask, jobs: list[str]) -> None:
    drained = {"requested_state": types.JobState.JOB_STATE_DRAINED}
    with pytest.raises(Refused, match="cannot become JOB_STATE_DRAINED"):
        ask("update_job", job_id=jobs[1], job=drained)
