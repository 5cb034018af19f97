"""Sends a journal to its server, from where it was left off."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from tracking.entries import METRICS
from tracking.errors import InvalidError, RefusedError, UnreachableError
from tracking.journal import Journal, State
from tracking.server import Server


def deliver(journal: Journal, server: Server) -> bool:
    """Send what waits in a journal.

    An event may be sent twice, when it is not known whether it arrived: it changes nothing.

    Args:
        journal: of which nobody else sends at the same time.
        server: where to.

    Returns:
        Whether the run has ended, and all of it is sent.

    Raises:
        filelock.Timeout: somebody else is sending it.
        TrackingError: the server cannot be used; the journal keeps what is not sent.
    """
    try:
        with journal.lock():
            return _deliver(journal, server)
    except (LookupError, TypeError, AttributeError) as error:
        raise RefusedError(
            f"{server.address} does not answer as MLflow does, or {journal.folder} is damaged "
            f"({error!r})."
        ) from error


def _deliver(journal: Journal, server: Server) -> bool:
    begun = next(journal.events(), None)
    if begun is None or begun[0]["kind"] != "open":
        return False  # of a run that is just beginning, or no journal
    event, beginning = begun
    experiment = server.experiment(event["experiment"])
    state = journal.state
    run = _found(server, experiment, event["run"], state.run) or server.create_run(
        experiment, event["run"], event["start"], event["tags"]
    )
    own = run["info"]["run_id"]
    if state.run != own:  # of another server, or deleted there: it gets all
        state = State(run=own, url=server.page(run), offset=beginning)
        journal.keep(state)
    closed = False
    for event, offset in _batches(journal, state.offset):
        try:
            _send(event, run, journal, server)
        except InvalidError as error:
            _check_alive(server, experiment, begun[0]["run"])
            state = replace(state, refused=(*state.refused, str(error)))
        state = replace(state, offset=offset)
        journal.keep(state)
        closed = event["kind"] == "close"
    if closed:
        journal.finish()
    return closed


def _found(server: Server, experiment: str, run_id: str, known: str) -> dict[str, Any] | None:
    """Return the run, of which there is one afterwards; None where there is none yet."""
    runs = server.find_runs(experiment, run_id)
    runs.sort(key=lambda run: (run["info"]["run_id"] != known, run["info"]["run_id"]))
    for twin in runs[1:]:
        server.delete_run(twin["info"]["run_id"])
    return runs[0] if runs else None


def _batches(journal: Journal, offset: int) -> Iterator[tuple[dict[str, Any], int]]:
    """Yield the events from an offset on, metrics that follow each other in one."""
    gathered: list[Any] = []
    for event, following in journal.events(offset):
        is_metrics = event["kind"] == "metrics"
        if gathered and (not is_metrics or len(gathered) + len(event["metrics"]) > METRICS):
            yield {"kind": "metrics", "metrics": gathered}, offset
            gathered = []
        if is_metrics:
            gathered = [*gathered, *event["metrics"]]
        else:
            yield event, following
        offset = following
    if gathered:
        yield {"kind": "metrics", "metrics": gathered}, offset


def _send(event: dict[str, Any], run: dict[str, Any], journal: Journal, server: Server) -> None:
    own = run["info"]["run_id"]
    match event["kind"]:
        case "metrics":
            server.log(own, metrics=event["metrics"])
        case "history":
            known = {name: server.steps(own, name) for name in {one[0] for one in event["metrics"]}}
            new = [one for one in event["metrics"] if one[2] not in known[one[0]]]
            if new:
                server.log(own, metrics=new)
        case "params":
            server.log(own, params=event["params"])
        case "tags":
            server.log(own, tags=event["tags"])
        case "dataset":
            server.log_dataset(own, event["dataset"])
        case "artifact":
            path = journal.artifacts / event["name"]
            if path.is_file():
                server.upload(run, event["name"], path)
        case "close":
            server.end(own, event["status"], event["end"])


def _check_alive(server: Server, experiment: str, run_id: str) -> None:
    """Tell a run that somebody has deleted meanwhile from an event that does not fit."""
    if not server.find_runs(experiment, run_id):
        raise UnreachableError(f"The run {run_id} was deleted in MLflow at {server.address}.")
