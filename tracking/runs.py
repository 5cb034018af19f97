"""Recorded runs, found by MLflow's id, by the pipeline's own, or by their recipe."""

from __future__ import annotations

import re
import tempfile
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tracking import names
from tracking.client import Connection
from tracking.errors import TrackingError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mlflow.entities import Run

FINISHED = "FINISHED"
_PAGE = 100
# What either id is made of; nothing else is put into a search.
_ID = re.compile(r"[A-Za-z0-9_.:+-]{1,200}")
_RECIPE = re.compile(r"[a-z][a-z0-9_-]{0,62}")


@dataclass(frozen=True)
class TrackedRun:
    """A run as MLflow has it.

    Attributes:
        id: MLflow's.
        status: MLflow's: FINISHED, FAILED, KILLED, RUNNING or SCHEDULED.
        begin: when it began.
        tags: by the names of `tracking.names`; what is not known is an empty text.
        figures: of the whole validation split, by the metric's key.
    """

    id: str
    status: str
    begin: datetime
    tags: dict[str, str]
    figures: dict[str, float]

    @property
    def name(self) -> str:
        """The pipeline's own id of it, or else MLflow's."""
        return self.tag(names.RUN_ID) or self.id

    @property
    def blessed(self) -> bool:
        """Whether the gate blessed its model."""
        return self.tag(names.BLESSED) == "true"

    def tag(self, name: str) -> str:
        """Return a tag's value; empty where it has none."""
        return self.tags.get(name, "")


def find_run(server: Connection, name: str) -> TrackedRun:
    """Find a run.

    Args:
        server: where it was recorded.
        name: MLflow's id of it, or the pipeline's.

    Raises:
        TrackingError: there is none, several have that id, or it was deleted.
    """
    if not _ID.fullmatch(name):
        raise TrackingError(
            f"{name!r} is no id of a run: give MLflow's, or the tag {names.RUN_ID} of one."
        )
    found = _by_own_id(server, name) or list(
        _search(server, f"tags.`{names.RUN_ID}` = '{name}'", every=True)
    )
    if not found:
        raise TrackingError(
            f"MLflow at {server.address} knows no run {name}; look there for its id."
        )
    alive = [run for run in found if run.info.lifecycle_stage == "active"]
    if not alive:
        raise _deleted(server, found[0], name)
    if len(alive) > 1:
        ids = ", ".join(run.info.run_id for run in alive)
        raise TrackingError(f"{len(alive)} runs are recorded as {name}; name one of them: {ids}.")
    return _read(alive[0])


def check_recipe(recipe: str) -> None:
    """Raise TrackingError if a text is no name that a recipe may have."""
    if not _RECIPE.fullmatch(recipe):
        raise TrackingError(f"{recipe!r} is no name of a recipe.")


def list_runs(server: Connection, recipe: str, **tags: str) -> Iterator[TrackedRun]:
    """Yield the finished runs of a recipe, newest first.

    Args:
        server: where they were recorded.
        recipe: its name.
        **tags: which they have as well.

    Raises:
        TrackingError: the server cannot be asked.
    """
    check_recipe(recipe)
    wanted = {names.RECIPE: recipe, **tags}
    terms = [f"tags.`{name}` = '{value}'" for name, value in wanted.items()]
    for run in _search(server, " and ".join([*terms, f"attributes.status = '{FINISHED}'"])):
        yield _read(run)


def read_artifact(server: Connection, run: TrackedRun, name: str) -> str:
    """Read an artifact of a run, as text.

    Raises:
        TrackingError: the run has none of that name, or it cannot be read.
    """
    client, what = server.client, f"give {name} of run {run.name}"
    there = {found.path for found in server.ask(what, client.list_artifacts, run.id)}
    try:
        if name not in there:
            raise FileNotFoundError(name)
        with tempfile.TemporaryDirectory() as folder:
            path = server.ask(what, client.download_artifacts, run.id, name, folder)
            return Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        raise TrackingError(
            f"Run {run.name} has no artifact {name} that can be read: it was recorded only in "
            "part, or by something else; choose another run."
        ) from None


def _by_own_id(server: Connection, run_id: str) -> list[Run]:
    try:
        return [server.ask(f"find run {run_id}", server.client.get_run, run_id)]
    except TrackingError as error:
        if error.code in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
            return []
        raise


def _search(server: Connection, wanted: str, every: bool = False) -> Iterator[Run]:
    """Search all experiments, newest first; with `every`, what was deleted as well."""
    from mlflow.entities import ViewType

    view = ViewType.ALL if every else ViewType.ACTIVE_ONLY
    experiments = [
        experiment.experiment_id
        for experiment in _pages(
            server, "list experiments", server.client.search_experiments, view_type=view
        )
    ]
    if experiments:
        yield from _pages(
            server,
            "search runs",
            server.client.search_runs,
            experiments,
            wanted,
            run_view_type=view,
            order_by=["attributes.start_time DESC"],
        )


def _pages(
    server: Connection, what: str, method: Any, *arguments: object, **keywords: object
) -> Iterator[Any]:
    token = None
    while True:
        page = server.ask(what, method, *arguments, max_results=_PAGE, page_token=token, **keywords)
        yield from page
        token = page.token
        if not token:
            return


def _deleted(server: Connection, run: Run, name: str) -> TrackingError:
    what = f"read experiment {run.info.experiment_id}"
    experiment = server.ask(what, server.client.get_experiment, run.info.experiment_id)
    if experiment.lifecycle_stage != "active":
        return TrackingError(
            f"Run {name} is of the experiment {experiment.name!r}, which was deleted: restore it "
            f"with `mlflow experiments restore --experiment-id {experiment.experiment_id}`, or "
            "choose another run."
        )
    return TrackingError(
        f"Run {name} was deleted: restore it with `mlflow runs restore --run-id "
        f"{run.info.run_id}`, or choose another run."
    )


def _read(run: Run) -> TrackedRun:
    return TrackedRun(
        id=run.info.run_id,
        status=run.info.status,
        begin=datetime.fromtimestamp(run.info.start_time / 1000).astimezone(),
        tags=dict(run.data.tags),
        figures={
            name.removeprefix(names.EVALUATION): value
            for name, value in run.data.metrics.items()
            if name.startswith(names.EVALUATION)
        },
    )
