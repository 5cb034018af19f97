"""What is known of a task and of a run while they are rehearsed and afterwards."""

import dataclasses
import datetime
import enum
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

_DATA = re.compile(r"\S{200,}")


def readable(error: str) -> str:
    """Return an error without what nobody reads, such as a whole record in hexadecimal digits."""
    return _DATA.sub(lambda found: f"{found[0][:60]} …", error)


class RehearsalError(ValueError):
    """A job that cannot be rehearsed as it stands; its message is for the user."""


class State(enum.StrEnum):
    """Vertex's names for the states of a task and of a run."""

    PENDING = "PENDING"
    RUNNING = "RUNNING"
    SUCCEEDED = "SUCCEEDED"
    SKIPPED = "SKIPPED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"
    NOT_TRIGGERED = "NOT_TRIGGERED"

    @property
    def ended(self) -> bool:
        """Whether the task will not change any more."""
        return self not in (State.PENDING, State.RUNNING)

    @property
    def has_outputs(self) -> bool:
        """Whether others can go on from the task; SKIPPED means that its outputs were cached."""
        return self in (State.SUCCEEDED, State.SKIPPED)


@dataclass(frozen=True)
class Artifact:
    """An artifact as Vertex ML Metadata holds it.

    Attributes:
        name: its resource name, which is its identity.
        uri: where it is; never a mapped path.
        type: the ArtifactTypeSchema, in the form of its JSON.
        metadata: properties and custom properties.
    """

    name: str
    uri: str
    type: Mapping[str, str]
    metadata: Mapping[str, Any]

    @property
    def schema_title(self) -> str:
        """The type's name, such as `tfx.Model`."""
        if "schemaTitle" in self.type:
            return self.type["schemaTitle"]
        return yaml.safe_load(self.type.get("instanceSchema", "{}")).get("title", "tfx.Artifact")


@dataclass(frozen=True)
class Outputs:
    """What a task leaves to others, by output name."""

    artifacts: Mapping[str, list[Artifact]] = field(default_factory=dict)
    parameters: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class TaskState:
    """A task at one moment.

    Attributes:
        name: the task's name in the job.
        log: file with all that its processes wrote; a task without a process makes none, and
            Vertex AI keeps them elsewhere.
        state: where it stands.
        begin: when its first attempt began, UTC; None when it never did.
        end: when it ended, UTC.
        error: why it failed, was cancelled or not triggered: a line with the reason, below which
            are the log's last lines where a command failed.
        outputs: what it left, once it succeeded or was found in the cache.
    """

    name: str
    log: Path | None = None
    state: State = State.PENDING
    begin: datetime.datetime | None = None
    end: datetime.datetime | None = None
    error: str | None = None
    outputs: Outputs | None = None

    @property
    def reason(self) -> str:
        """The first line of the error."""
        return (self.error or "").partition("\n")[0]

    def moved(self, state: State, **changes: Any) -> "TaskState":
        """Return the task in its next state, at the present time."""
        now = datetime.datetime.now(datetime.UTC)
        if state is State.RUNNING:
            changes["begin"] = now
        elif state.ended and self.begin is not None:
            changes["end"] = now
        return dataclasses.replace(self, state=state, **changes)


@dataclass(frozen=True)
class Outcome:
    """How a rehearsal ended.

    Attributes:
        run_id: the run's name in the store.
        state: SUCCEEDED, FAILED or CANCELLED.
        tasks: the tasks' last states by name, each after those that it depends on.
        warnings: what went well here and may not on Vertex AI, a sentence each.
    """

    run_id: str
    state: State
    tasks: Mapping[str, TaskState]
    warnings: tuple[str, ...]
