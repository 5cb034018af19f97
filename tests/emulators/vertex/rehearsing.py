"""Runs the emulator's pipeline jobs for real: each step in a process of this machine."""

import os
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from unittest.mock import patch

from .pipeline_jobs import OnChange, Outputs, RunPipeline

if TYPE_CHECKING:
    from pipeline.rehearsal import TaskState

POLL_SECONDS = 0.1
LONGEST_PAUSE = 1.0  # s; between the attempts of a step


def rehearsed(
    store: Path | str,
    environment: Mapping[str, str],
    *,
    map_gcs: bool = False,
    python: str | Path = sys.executable,
) -> RunPipeline:
    """Makes what a `VertexEmulator` runs its pipeline jobs by.

    Jobs run one after the other, for they share metadata and cache as on the service.

    Args:
        store: The folder with the metadata, the cache and the logs of all jobs.
        environment: What the steps' environment has beside this process's.
        map_gcs: Whether gs:// is a folder of the store; otherwise the environment says where
            Cloud Storage is.
        python: The interpreter of the steps.
    """
    turn = threading.Lock()

    def run_pipeline(job: dict, on_change: OnChange, stop: threading.Event) -> str | None:
        # It brings in kfp and more, which few of the emulator's users need.
        from pipeline.rehearsal import RehearsalError, State, TaskState, rehearse

        def tell(task: TaskState) -> None:
            if task.state is not State.PENDING:  # as all tasks are from the start
                on_change(task.name, task.state.name, task.error or "", _outputs(task))

        location, _, run_id = job["name"].rpartition("/pipelineJobs/")
        with _taken(turn, stop), patch.object(sys, "executable", str(python)):
            if stop.is_set():
                return None
            try:
                outcome = rehearse(
                    job,
                    Path(store),
                    run_id=run_id,
                    location=location,
                    environment={**os.environ, **environment},
                    map_gcs=map_gcs,
                    longest_pause=LONGEST_PAUSE,
                    on_change=tell,
                    stop=stop,
                )
            except RehearsalError as error:
                return str(error)
        failed = [name for name, task in outcome.tasks.items() if task.state is State.FAILED]
        return f"The failed tasks are: [{', '.join(failed)}]." if failed else None

    return run_pipeline


def _outputs(task: "TaskState") -> Outputs:
    put_out = task.outputs.artifacts if task.outputs else {}
    return {
        key: [
            {
                "name": artifact.name,
                "uri": artifact.uri,
                "schemaTitle": artifact.schema_title,
                "metadata": artifact.metadata,
            }
            for artifact in artifacts
        ]
        for key, artifacts in put_out.items()
    }


@contextmanager
def _taken(turn: threading.Lock, stop: threading.Event) -> Iterator[None]:
    """Waits for a lock, or for the event that makes waiting for it vain."""
    taken = False
    while not (taken or stop.is_set()):
        taken = turn.acquire(timeout=POLL_SECONDS)
    try:
        yield
    finally:
        if taken:
            turn.release()
