"""`python -m pipeline rehearse`."""

import argparse
import contextlib
import json
import signal
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console

from pipeline.rehearsal.display import Display, show_outcome
from pipeline.rehearsal.job import parse
from pipeline.rehearsal.parameters import from_text
from pipeline.rehearsal.rehearsal import rehearse
from pipeline.rehearsal.states import RehearsalError, State

_LONGEST_PAUSE = 1.0  # s; policies have the service wait for machines that this one is not short of


def run(arguments: argparse.Namespace) -> int:
    """Rehearses and shows it.

    Returns:
        0; 1 when a step failed, 2 for what the user can mend before a run, 130 when interrupted.
    """
    console = Console(soft_wrap=True)
    try:
        job = _with_parameters(_load_job(arguments.spec), _named(arguments.parameter))
        if arguments.parallel is not None and arguments.parallel < 1:
            raise RehearsalError(f"--parallel={arguments.parallel} leaves no step to run.")
        with _stopped_by_signals() as stop, Display(console) as display:
            outcome = rehearse(
                job,
                arguments.store,
                parallel=arguments.parallel,
                use_cache=not arguments.no_cache,
                longest_pause=_LONGEST_PAUSE,
                on_change=display.change,
                stop=stop,
            )
    except RehearsalError as error:
        Console(stderr=True, soft_wrap=True).print(str(error), style="red", markup=False)
        return 2
    show_outcome(console, outcome)
    return {State.SUCCEEDED: 0, State.FAILED: 1, State.CANCELLED: 130}[outcome.state]


def _load_job(spec: Path) -> Any:
    try:
        return json.loads(spec.read_text())
    except (OSError, ValueError) as error:
        raise RehearsalError(
            f"{spec} cannot be read as JSON ({error}): give the JSON file that KubeflowV2DagRunner "
            "writes."
        ) from error


def _with_parameters(job: Any, texts: Mapping[str, str]) -> dict[str, Any]:
    """The job with other values of parameters."""
    declared = parse(job)[0].root.input_definitions.parameters
    values = {
        name: from_text(name, declared[name], text) if name in declared else text
        for name, text in texts.items()
    }
    config = job.get("runtimeConfig", {})
    return {
        **job,
        "runtimeConfig": {
            **config,
            "parameterValues": {**config.get("parameterValues", {}), **values},
        },
    }


def _named(pairs: Sequence[str]) -> Mapping[str, str]:
    for pair in pairs:
        if "=" not in pair:
            raise RehearsalError(f"--parameter {pair} is not of the form NAME=VALUE.")
    return dict(pair.split("=", 1) for pair in pairs)


@contextlib.contextmanager
def _stopped_by_signals() -> Iterator[threading.Event]:
    """An event that Ctrl-C and SIGTERM set."""
    stop = threading.Event()
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.signal(number, lambda *_: stop.set()) for number in numbers}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
