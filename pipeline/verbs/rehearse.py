"""Runs a job compiled for Vertex AI on this machine."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from components.flags import with_settings
from pipeline.configs import Settings
from pipeline.data_version import with_data
from pipeline.terminal import fail
from pipeline.verbs.options import NoCache, Parameters, Spec

if TYPE_CHECKING:
    from rich.console import Console

_LONGEST_PAUSE = 1.0  # s; policies have the service wait for machines that this one is not short of


@with_settings(Settings)
def rehearse(
    settings: Settings,
    *,
    spec: Spec = None,
    parameters: Parameters = None,
    no_cache: NoCache = False,
    store: Annotated[
        Path,
        typer.Option(
            metavar="DIR", help="Folder of metadata, logs, and gcs/BUCKET for gs://BUCKET."
        ),
    ] = Path("output/rehearsal"),
    parallel: Annotated[
        int | None,
        typer.Option(metavar="N", min=1, help="Steps at a time. Default: one for each core."),
    ] = None,
) -> int:
    """Rehearses and shows it.

    Returns:
        0; 1 when a step failed, 2 for what the user can mend before a run, 130 when interrupted.
    """
    from rich.console import Console

    from pipeline.jobs.display import Display, show_outcome
    from pipeline.jobs.interruption import stopped_by_signals
    from pipeline.jobs.states import State
    from pipeline.rehearsal import rehearsal
    from pipeline.rehearsal.given import load_job, with_parameters
    from pipeline.rehearsal.store import STORE

    console = Console(soft_wrap=True)
    try:
        job = with_parameters(
            load_job(spec) if spec else _own_job(settings, store), parameters or []
        )
        with stopped_by_signals() as stop, Display(console) as display:
            outcome = rehearsal.rehearse(
                job,
                store,
                environment={**os.environ, STORE: str(store.resolve())},
                parallel=parallel,
                use_cache=not no_cache,
                longest_pause=_LONGEST_PAUSE,
                on_change=display.change,
                stop=stop,
            )
    except ValueError as error:
        return fail(str(error), 2)
    show_outcome(console, outcome)
    if outcome.state is State.CANCELLED:
        _record(console, job, store, outcome.run_id)
    return {State.SUCCEEDED: 0, State.FAILED: 1, State.CANCELLED: 130}[outcome.state]


def _own_job(settings: Settings, store: Path) -> dict[str, Any]:
    from pipeline.vertex.rehearsed import rehearsed_job  # TFX, which takes long to import

    return rehearsed_job(with_data(settings), store)


def _record(console: "Console", job: dict[str, Any], store: Path, run_id: str) -> None:
    """Tell MLflow of a job that was interrupted before its last task, which does that else."""
    from pipeline.rehearsal.job import given_parameters
    from pipeline.rehearsal.store import read_outcome
    from pipeline.vertex.recorded import read_recorded

    recorded = read_recorded(job["pipelineSpec"])
    if recorded is None:
        return
    from pipeline.vertex.recorder import record  # TFX, which takes long to import

    store = store.resolve()
    told = record(recorded.rehearsed(), read_outcome(store, run_id), given_parameters(job), store)
    console.print(f"MLflow: {told}", markup=False)
