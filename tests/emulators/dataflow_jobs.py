"""Asks Dataflow for something with Google's client, in a process whose Google Cloud is emulated."""

from typing import Any


def send(method: str, **fields: Any) -> Any:
    """Sends a request of the emulated project and region.

    Returns:
        The answer; of a list, its first page.
    """
    from google.cloud import dataflow_v1beta3 as dataflow

    request = {"project_id": "demo-project", "location": "us-central1", **fields}
    answer = getattr(dataflow.JobsV1Beta3Client(), method)(request)
    return next(answer.pages) if method == "list_jobs" else answer


def begin(name: str, labels: dict[str, str]) -> str:
    """Begins a job as Beam does, and returns its id."""
    kind = 1  # JOB_TYPE_BATCH
    return send("create_job", job={"name": name, "type_": kind, "labels": labels}).id
