"""Rehearses a job: reads it, opens the store, and has its tasks done."""

import datetime
import math
import os
import re
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from pipeline.jobs.states import Outcome, RehearsalError, TaskState
from pipeline.rehearsal.job import read_job
from pipeline.rehearsal.preflight import check_steps
from pipeline.rehearsal.run import LOCATION, Run
from pipeline.rehearsal.scheduler import Scheduler
from pipeline.rehearsal.storage import CloudStorage, MappedStorage, Storage
from pipeline.rehearsal.store import GCS, open_store

_RUN_ID = re.compile(r"[a-z0-9][-a-z0-9]{0,127}")


def rehearse(
    job: Mapping[str, Any],
    store: Path,
    *,
    run_id: str | None = None,
    environment: Mapping[str, str] | None = None,
    parallel: int | None = None,
    use_cache: bool = True,
    map_gcs: bool = True,
    longest_pause: float = math.inf,
    location: str = LOCATION,
    on_change: Callable[[TaskState], None] = lambda task: None,
    stop: threading.Event | None = None,
) -> Outcome:
    """Run a job compiled for Vertex AI Pipelines on this machine, as the service would.

    Args:
        job: a PipelineJob in the form of its JSON.
        store: folder that outlives the run: metadata, logs, and what stands for Cloud Storage.
        run_id: the run's name; default: pipeline and time, as Vertex names runs.
        environment: that of the steps' processes; default: this process's.
        parallel: steps that may run at a time; default: one for each core.
        use_cache: whether what earlier runs put out may be used, where the job allows it.
        map_gcs: whether gs://BUCKET and /gcs/BUCKET are the store's folder gcs/BUCKET; otherwise
            steps reach Cloud Storage, or the emulator that `environment` names, by themselves.
        location: the job's, as the steps are told it.
        longest_pause: limit of the seconds that a retry policy lets pass before the next attempt.
        on_change: called with each new state of a task, from one thread at a time.
        stop: interrupts the run when set: steps end, and the outcome is CANCELLED.

    Raises:
        RehearsalError: the job cannot be run here, or the store cannot be used; nothing was run.
    """
    environment = dict(os.environ if environment is None else environment)
    plan = read_job(job, environment.get("PATH"))
    if run_id is None:
        now = datetime.datetime.now(datetime.UTC)
        run_id = f"{plan.pipeline}-{now:%Y%m%d%H%M%S%f}"
    if not _RUN_ID.fullmatch(run_id):
        raise RehearsalError(f"A run cannot be called {run_id!r}: only a-z, 0-9 and - may occur.")
    store = Path(store).resolve()
    storage: Storage = MappedStorage(store / GCS) if map_gcs else CloudStorage(environment)
    logs = store / "runs" / run_id
    stop = stop or threading.Event()
    with open_store(store) as records:
        run = Run(
            run_id,
            plan,
            records,
            storage,
            environment,
            logs,
            use_cache,
            longest_pause,
            stop,
            location,
        )
        check_steps(run)
        records.begin_run(run_id, plan.pipeline, job)
        logs.mkdir(parents=True, exist_ok=True)
        return Scheduler(run, on_change).run_all(parallel or os.cpu_count() or 1)
