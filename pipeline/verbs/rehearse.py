"""Runs a job compiled for Vertex AI on this machine."""

import argparse
from pathlib import Path
from typing import Any

from rich.console import Console

from pipeline.configs import load_settings
from pipeline.terminal import fail
from pipeline.verbs.job_arguments import add_job_arguments

_LONGEST_PAUSE = 1.0  # s; policies have the service wait for machines that this one is not short of


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the verb's arguments."""
    add_job_arguments(parser)
    parser.add_argument(
        "--store",
        type=Path,
        metavar="DIR",
        default=Path("output/rehearsal"),
        help="folder of metadata, logs, and gcs/BUCKET for gs://BUCKET; default: %(default)s",
    )
    parser.add_argument(
        "--parallel", type=int, metavar="N", help="steps at a time; default: one for each core"
    )


def run(arguments: argparse.Namespace) -> int:
    """Rehearses and shows it.

    Returns:
        0; 1 when a step failed, 2 for what the user can mend before a run, 130 when interrupted.
    """
    from pipeline.rehearsal.display import Display, show_outcome
    from pipeline.rehearsal.given import load_job, with_parameters
    from pipeline.rehearsal.interruption import stopped_by_signals
    from pipeline.rehearsal.rehearsal import rehearse
    from pipeline.rehearsal.states import State

    console = Console(soft_wrap=True)
    try:
        if arguments.parallel is not None and arguments.parallel < 1:
            raise ValueError(f"--parallel={arguments.parallel} leaves no step to run.")
        job = load_job(arguments.spec) if arguments.spec else _own_job(arguments.store)
        with stopped_by_signals() as stop, Display(console) as display:
            outcome = rehearse(
                with_parameters(job, arguments.parameter),
                arguments.store,
                parallel=arguments.parallel,
                use_cache=not arguments.no_cache,
                longest_pause=_LONGEST_PAUSE,
                on_change=display.change,
                stop=stop,
            )
    except ValueError as error:
        return fail(str(error), 2)
    show_outcome(console, outcome)
    return {State.SUCCEEDED: 0, State.FAILED: 1, State.CANCELLED: 130}[outcome.state]


def _own_job(store: Path) -> dict[str, Any]:
    settings = load_settings()
    from pipeline.vertex.rehearsed import rehearsed_job  # TFX, which takes long to import

    return rehearsed_job(settings, store)
