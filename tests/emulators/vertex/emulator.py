"""The emulator as tests use it."""

import contextlib
import os
import re
from collections.abc import Mapping
from pathlib import Path

from google.protobuf.message import Message

from ..gcs import GcsEmulator
from ..journal import Journal
from . import custom_jobs, deployments, endpoints, models, pipeline_jobs
from .dataflow import DataflowJobs
from .dedicated import dedicated_server
from .endpoints import dedicated_domain
from .errors import Refusal
from .faults import Fault, Request
from .operations import Operations
from .over_grpc import grpc_server
from .over_rest import rest_server
from .pipeline_jobs import RunPipeline
from .running import Running
from .store import Store

STOP_SECONDS = 30


class VertexEmulator:
    """Vertex AI on 127.0.0.1 for the clients of google-cloud-aiplatform, over gRPC and REST.

    Its resources are on disk; who has which token is not. Beside it are the jobs of Dataflow that
    steps begin, over gRPC and in memory.

    Args:
        folder: The state; made when absent, gone on with when there.
        gcs: The Cloud Storage beside it, whose accounts, names and certificates it shares.
        run_pipeline: Runs a pipeline job. It is given the job as JSON, a function
            `on_change(task, state, error="", outputs=None)` which says that a task is in a state
            such as RUNNING, SUCCEEDED, FAILED or SKIPPED, and what artifacts it left, and an event
            that is set when the job is to stop. It returns what went wrong, or None.
        region: The one region that there is.
        job_environment: What the processes of custom jobs have in their environment; this
            process's when absent, with the emulators as its Google Cloud.
        operation_polls: How many times a long-running operation is answered as not yet done.

    Attributes:
        containers: Where the models answer predictions: the URL of a server that is in the place
            of a model's container, by the model's artifact_uri. No container is started.

    Raises:
        FolderInUse: When another emulator has the folder.
    """

    def __init__(
        self,
        folder: Path | str,
        gcs: GcsEmulator,
        run_pipeline: RunPipeline,
        *,
        region: str = "us-central1",
        job_environment: Mapping[str, str] | None = None,
        operation_polls: int = 0,
    ) -> None:
        self.folder = Path(folder)
        self.gcs = gcs
        self.project = gcs.project
        self.project_number = gcs.project_number
        self.region = region
        self.accounts = gcs.accounts
        self.run_pipeline = run_pipeline
        self._job_environment = job_environment
        self.store = Store(self.folder)
        self.journal = Journal[Request, Fault]()
        self.running = Running()
        self.dataflow = DataflowJobs()
        self.operations = Operations(operation_polls)
        self._grpc = grpc_server(self)
        self._rest = rest_server(self)
        self._dedicated = dedicated_server(self)
        self.rest_url = self._rest.url
        self.dedicated_address = self._dedicated.address
        self.containers: dict[str, str] = {}
        self._open = contextlib.ExitStack()

    def __enter__(self) -> "VertexEmulator":
        self._open.callback(self.store.close)
        self._open.callback(self.running.close, STOP_SECONDS)
        self._grpc.start()
        self._open.callback(self._grpc.close)
        self._rest.start()
        self._open.callback(self._rest.close)
        self._dedicated.start()
        self._open.callback(self._dedicated.close)
        hosts = {
            "*.googleapis.com": self._grpc.address,
            f"*.{dedicated_domain(self.parent)}": self.dedicated_address,
        }
        for pattern, address in hosts.items():
            self.gcs.proxy.route(pattern, address)
            self._open.callback(self.gcs.proxy.close_route, address)
        for jobs in (pipeline_jobs.PIPELINE_JOBS, custom_jobs.CUSTOM_JOBS):
            jobs.fail_interrupted(self)
        return self

    def __exit__(self, *failure: object) -> None:
        self.close()

    def close(self) -> None:
        """Stops the jobs that run and answers no more; what there is stays in the folder."""
        self._open.close()

    @property
    def environment(self) -> dict[str, str]:
        """What a child process needs in its environment so that Google Cloud is the emulators."""
        return {**self.gcs.environment, "GOOGLE_CLOUD_REGION": self.region}

    @property
    def job_environment(self) -> Mapping[str, str]:
        """What the processes of custom jobs have in their environment."""
        if self._job_environment is not None:
            return self._job_environment
        return {**os.environ, **self.environment}

    @property
    def parent(self) -> str:
        """The name of the region, under which the resources are."""
        return f"projects/{self.project_number}/locations/{self.region}"

    @property
    def requests(self) -> list[Request]:
        """All requests so far, in the order in which they came."""
        return self.journal.requests

    @property
    def jobs(self) -> list[Message]:
        """The pipeline jobs, oldest first."""
        return self.store.of_kind(pipeline_jobs.KIND)

    @property
    def custom_jobs(self) -> list[Message]:
        """The custom jobs of Vertex AI Training, oldest first."""
        return self.store.of_kind(custom_jobs.KIND)

    @property
    def models(self) -> list[Message]:
        """The versions of all models, oldest first; their names end in @VERSION_ID."""
        return self.store.of_kind(models.KIND)

    @property
    def endpoints(self) -> list[Message]:
        """The endpoints, oldest first."""
        return self.store.of_kind(endpoints.KIND)

    def job(self, job_id: str) -> Message:
        """A pipeline job as it is now."""
        return self.store.find(f"{self.parent}/{pipeline_jobs.KIND}/{job_id}")

    def wait(self, job_id: str, timeout: float = 60, kind: str = pipeline_jobs.KIND) -> Message:
        """Waits for the end of a job.

        Returns:
            The job.

        Raises:
            TimeoutError: When it still runs after so many seconds.
        """
        name = f"{self.parent}/{kind}/{job_id}"
        if not self.running.wait(name, timeout):
            raise TimeoutError(f"{name} still runs after {timeout} s")
        return self.store.find(name)

    def fault(
        self,
        method: str,
        code: str,
        *,
        times: int = 1,
        message: str = "The service is told to fail.",
        retry_seconds: int | None = None,
    ) -> None:
        """Lets the next requests of a method be refused.

        Args:
            method: The method, such as CreatePipelineJob; "*" for any.
            code: The status code, such as RESOURCE_EXHAUSTED (429), UNAVAILABLE (503) or
                PERMISSION_DENIED (403).
            times: How many requests are struck.
            message: What the answer says.
            retry_seconds: When to try again, as google.rpc.RetryInfo says it.
        """
        self.journal.add_fault(
            Fault(
                method=method, times=times, code=code, message=message, retry_seconds=retry_seconds
            )
        )

    def lose_answer(self, method: str, *, times: int = 1) -> None:
        """Lets the next requests of a method be done, but cuts the connection before the answer.

        Args:
            method: The method, such as UploadModel; "*" for any.
            times: How many requests are struck.
        """
        self.journal.add_fault(Fault(method=method, times=times, code=None))

    def cut_connections(self) -> None:
        """Cuts the clients' connections over gRPC."""
        self.gcs.proxy.cut(self._grpc.address)

    def canonical(self, name: str) -> str:
        """The name of a resource with the project's number, whichever it was named by."""
        return re.sub(r"^projects/[^/]+", f"projects/{self.project_number}", name)

    def deployments_of(self, version: Message) -> list[Message]:
        """Where a version of a model is deployed, as DeployedModelRefs."""
        return deployments.deployments_of(self, version)

    def check_acts_as(self, service_account: str) -> None:
        """Refuses a job in the name of an account in whose name nobody may work.

        Raises:
            Refusal: PERMISSION_DENIED.
        """
        if service_account and not self.accounts.permits(service_account):
            raise Refusal(
                "PERMISSION_DENIED",
                f"You do not have permission to act as service account {service_account} (or it "
                "may not exist).",
            )
