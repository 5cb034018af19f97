"""Which recorded model is asked."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.tracked import no_run
from tracking import names, versions
from tracking.client import Connection
from tracking.errors import TrackingError
from tracking.runs import TrackedRun, find_run, list_runs
from tracking.versions import Version


@dataclass(frozen=True)
class Chosen:
    """A model, by its records.

    Attributes:
        run: that made it.
        version: of the registered model; None where the run alone is known.
    """

    run: TrackedRun
    version: Version | None = None

    @property
    def uri(self) -> str:
        """Where the SavedModel stays."""
        return self.version.source if self.version else self.run.tag(names.MODEL_URI)

    @property
    def title(self) -> str:
        """For a line: `scenes 3, run 2026-…`."""
        of = f"{self.version.model} {self.version.number}, " if self.version else ""
        return f"{of}run {self.run.name}"


def choose(server: Connection, recipe: str, run: str | None, model: str | None) -> Chosen:
    """Find what is asked for, or else the recipe's newest model.

    Args:
        server: where models are recorded.
        recipe: whose newest registered version is taken, or else its newest blessed run.
        run: id of a run.
        model: NAME@ALIAS of a version.

    Raises:
        TrackingError: there is no such run, version or model.
    """
    if run:
        return of_run(find_run(server, run))
    if model:
        return _of_version(server, versions.find_aliased(server, model))
    blessed = list_runs(server, recipe, **{names.BLESSED: "true"})
    if newest := versions.find_newest(server, recipe):
        return _of_version(server, newest)
    for found in blessed:
        if found.tag(names.MODEL_URI):
            return Chosen(found)
    raise no_run(server, recipe)


def of_run(run: TrackedRun) -> Chosen:
    """Return the model of a run.

    Raises:
        TrackingError: it has none.
    """
    if not run.tag(names.MODEL_URI):
        refusals = run.tag(names.REFUSALS)
        why = f"the gate refused it: {refusals}" if refusals else f"it is {run.status}"
        raise TrackingError(f"Run {run.name} has no model that was pushed ({why}); choose another.")
    return Chosen(run)


def _of_version(server: Connection, version: Version) -> Chosen:
    if not version.run_id:
        raise TrackingError(
            f"Version {version.number} of {version.model} was registered without its run, so "
            "nothing tells its data and its recipe; choose another."
        )
    return Chosen(find_run(server, version.run_id), version)
