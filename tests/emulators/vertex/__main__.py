"""Runs a command against an emulated Vertex AI and Cloud Storage."""

import argparse
import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from google.cloud.aiplatform_v1 import types
from google.protobuf.message import Message

from ..commands import run_command
from ..gcs import GcsEmulator, ServerMissing
from .emulator import VertexEmulator
from .rehearsing import rehearsed
from .store import FolderInUse

PROJECT = "demo-project"
BUCKET = "demo-bucket"
# They are the same number.
SUCCEEDED = {types.PipelineState.PIPELINE_STATE_SUCCEEDED, types.JobState.JOB_STATE_SUCCEEDED}


def parse_arguments() -> argparse.Namespace:
    """Reads the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.emulators.vertex",
        description=f"Runs COMMAND with local emulators of Vertex AI and Cloud Storage as its "
        f'Google Cloud, as a service account of the project "{PROJECT}", which has the bucket '
        f"gs://{BUCKET}. Pipeline jobs and custom jobs run as processes of this machine; when "
        "COMMAND has ended, those that still run are waited for, and what there is is listed. "
        "The exit status is that of COMMAND, or 1 when a job did not succeed.",
        epilog="Jobs, models and endpoints are kept as they change; what is in Cloud Storage is "
        "held in memory and written to DIR at the end, so it is lost when the emulators are "
        "killed.",
    )
    parser.add_argument(
        "--state", type=Path, required=True, metavar="DIR", help="the folder that holds it all"
    )
    parser.add_argument("--region", default="us-central1", help="default: %(default)s")
    parser.add_argument("command", nargs="+", metavar="COMMAND", help="after --")
    return parser.parse_args()


@contextlib.contextmanager
def emulators(state: Path, region: str) -> Iterator[VertexEmulator]:
    """Both emulators, with what an earlier command left."""
    with GcsEmulator(state / "gcs", PROJECT) as gcs:
        environment = {**gcs.environment, "GOOGLE_CLOUD_REGION": region}
        run_pipeline = rehearsed(state / "rehearsals", environment)
        with VertexEmulator(state / "vertex", gcs, run_pipeline, region=region) as vertex:
            gcs.load(state / "buckets")
            if not (state / "buckets" / BUCKET).exists():
                gcs.make_bucket(BUCKET)
            yield vertex
        gcs.save(state / "buckets")


def jobs_of(vertex: VertexEmulator) -> list[Message]:
    """The jobs of all kinds."""
    return [*vertex.jobs, *vertex.custom_jobs]


def _last_part(message: Message) -> str:
    return message.name.rpartition("/")[2]


def describe(vertex: VertexEmulator) -> Iterator[str]:
    """What there is, a line each."""
    for job in vertex.jobs:
        state = types.PipelineState(job.state).name
        yield f"pipeline job {_last_part(job)}: {state}{_error(job)}"
        for task in job.job_detail.task_details[1:]:  # the first is the job as a whole
            state = types.PipelineTaskDetail.State(task.state).name
            yield f"  {task.task_name}: {state}" + _error(task)
    for job in vertex.custom_jobs:
        name = f"{_last_part(job)} ({job.display_name})"
        yield f"custom job {name}: {types.JobState(job.state).name}{_error(job)}"
    for version in vertex.models:
        aliases = "".join(f" [{alias}]" for alias in version.version_aliases)
        yield f"model {_last_part(version)} ({version.display_name}){aliases}"
    for endpoint in vertex.endpoints:
        yield f"endpoint {_last_part(endpoint)} ({endpoint.display_name})"
        for deployed in endpoint.deployed_models:
            model = f"{deployed.model.rpartition('/')[2]}@{deployed.model_version_id}"
            yield f"  {model}: {endpoint.traffic_split.get(deployed.id, 0)} % of the traffic"


def _error(message: Message) -> str:
    return f": {message.error.message}" if message.error.message else ""


def main() -> int:
    """Does what the command line says."""
    arguments = parse_arguments()
    try:
        with emulators(arguments.state, arguments.region) as vertex:
            before = {job.name for job in jobs_of(vertex)}
            status = run_command(arguments.command, {**os.environ, **vertex.environment})
            with contextlib.suppress(KeyboardInterrupt):
                for job in jobs_of(vertex):
                    vertex.running.wait(job.name)
    except (FolderInUse, ServerMissing) as error:
        print(f"{error}.", file=sys.stderr)
        return 1
    print("\n".join(describe(vertex)))
    new = [job for job in jobs_of(vertex) if job.name not in before]
    return status or int(any(job.state not in SUCCEEDED for job in new))


if __name__ == "__main__":
    sys.exit(main())
