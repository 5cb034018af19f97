"""A pipeline job to submit, what runs it, and the client set up to submit it."""

import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

IMAGE = "gcr.io/demo/pipeline@sha256:" + "0" * 64


def task(component: str, *after: str) -> dict:
    return {
        "taskInfo": {"name": component},
        "componentRef": {"name": component},
        "dependentTasks": list(after),
    }


def pipeline_spec() -> dict:
    """Two tasks, one after the other, and a parameter without a default."""
    container = {"image": IMAGE, "command": ["python", "-c", "pass"]}
    return {
        "schemaVersion": "2.0.0",
        "sdkVersion": "tfx-1.21.0",
        "pipelineInfo": {"name": "pets"},
        "root": {
            "inputDefinitions": {"parameters": {"epochs": {"type": "INT"}}},
            "dag": {"tasks": {"First": task("First"), "Second": task("Second", "First")}},
        },
        "components": {
            "First": {"executorLabel": "run"},
            "Second": {"executorLabel": "run"},
        },
        "deploymentSpec": {"executors": {"run": {"container": container}}},
    }


def write_job(folder: Path, spec: dict) -> str:
    """Writes a job as KubeflowV2DagRunner does, and returns its path."""
    path = folder / "pipeline.json"
    job = {"displayName": "pets", "pipelineSpec": spec, "runtimeConfig": {}}
    path.write_text(json.dumps(job))
    return str(path)


class Runner:
    """Runs pipeline jobs as a test says: every task begins at once, and ends when released.

    Attributes:
        jobs: The jobs so far, as JSON.
        error: How the jobs are to fail, if they are.
        released: Lets the jobs end, which they do at once unless it is cleared.
    """

    def __init__(self) -> None:
        self.jobs: list[dict] = []
        self.error: str | None = None
        self.released = threading.Event()
        self.released.set()

    def __call__(
        self, job: dict, on_change: Callable[..., None], stop: threading.Event
    ) -> str | None:
        self.jobs.append(job)
        tasks = list(job["pipelineSpec"]["root"]["dag"]["tasks"])
        for name in tasks:
            on_change(name, "RUNNING")
        while not (self.released.wait(0.02) or stop.is_set()):
            pass
        if stop.is_set():
            return None
        for name in tasks:
            on_change(name, "FAILED" if self.error else "SUCCEEDED", self.error or "")
        return self.error


def with_client(settings: dict[str, Any], function: Callable, *arguments: Any, **keywords: Any):
    """Calls a function that uses google-cloud-aiplatform, in a process that has its environment."""
    import google.auth
    from google.cloud import aiplatform

    settings = {"credentials": google.auth.default()[0], **settings}
    aiplatform.init(**settings)
    return function(*arguments, **keywords)


def submit(
    path: str,
    root: str,
    job_id: str = "pets-1",
    service_account: str | None = None,
    parameters: dict | None = None,
    **options: Any,
) -> str:
    """Submits a job and returns its resource name."""
    from google.cloud import aiplatform

    job = aiplatform.PipelineJob(
        display_name="pets",
        template_path=path,
        pipeline_root=root,
        job_id=job_id,
        parameter_values={"epochs": 3} if parameters is None else parameters,
        **options,
    )
    job.submit(service_account=service_account)
    return job.resource_name
