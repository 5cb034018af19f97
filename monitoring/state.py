"""What a monitor keeps between two looks at the log: as large after a year as after a day."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import filelock
from pydantic import BaseModel, ValidationError

from serving.errors import ServingError

_STATE, _LOCK = "state.json", "lock"


class Window(BaseModel):
    """Images that were counted together.

    Attributes:
        images: how many.
        begin: when the earliest was answered, seconds since 1970.
        end: when the latest was.
        counts: of each feature's bins.
        sums: of each feature that is a number.
    """

    images: int = 0
    begin: float = 0.0
    end: float = 0.0
    counts: dict[str, list[int]] = {}
    sums: dict[str, float] = {}

    def mean(self, feature: str) -> float | None:
        """Of a feature that is a number; None of names."""
        return self.sums[feature] / self.images if feature in self.sums else None


class Judged(BaseModel):
    """A full window, compared.

    Attributes:
        images: how many it had.
        begin: as a window has them, like `end`.
        end: likewise.
        distances: of each feature from the reference.
        means: of each feature that is a number.
        alarms: features whose distance is above its threshold.
    """

    images: int
    begin: float
    end: float
    distances: dict[str, float]
    means: dict[str, float]
    alarms: list[str]


class Version(BaseModel):
    """What is known of a version of the model.

    Attributes:
        reference: digest of the reference that it was compared with.
        thresholds: of each feature.
        open: the window that is being filled.
        closed: full ones, the newest last.
        full: how many there ever were.
        seen: when it last answered, seconds since 1970.
    """

    reference: str = ""
    thresholds: dict[str, float] = {}
    open: Window = Window()
    closed: list[Judged] = []
    full: int = 0
    seen: float = 0.0


class Route(BaseModel):
    """What came by a label since all labels named the versions that they name now.

    Attributes:
        version: that it names.
        images: how many.
        confidences: sum of how sure the model was.
        squares: sum of the squares.
    """

    version: int
    images: int = 0
    confidences: float = 0.0
    squares: float = 0.0


class State(BaseModel):
    """All that is kept.

    Attributes:
        model: name of the model that is watched.
        files: how many bytes of each file of the log were read.
        versions: by number.
        routes: by label.
        images: how many were counted, ever.
        seen: when the last one was answered, seconds since 1970.
        backwards: how often an answer was older than the one before it.
        unreadable: images that could not be measured.
        others: records of other models, by name.
        unknown: records of versions that cannot be compared, by number.
    """

    model: str
    files: dict[str, int] = {}
    versions: dict[int, Version] = {}
    routes: dict[str, Route] = {}
    images: int = 0
    seen: float = 0.0
    backwards: int = 0
    unreadable: int = 0
    others: dict[str, int] = {}
    unknown: dict[int, int] = {}


def load_state(folder: Path, model: str) -> State:
    """Return what the monitor before this one left; nothing at first.

    Raises:
        ServingError: it cannot be read, or is of another model.
    """
    path = folder / _STATE
    try:
        state = State.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return State(model=model)
    except (OSError, ValidationError) as error:
        raise ServingError(
            f"{path} cannot be read ({type(error).__name__}): remove it to begin again."
        ) from error
    if state.model != model:
        raise ServingError(
            f"{folder} is of the model {state.model}, and {model} is to be watched: name another "
            "folder with --output."
        )
    return state


def save_state(folder: Path, state: State) -> None:
    """Replace what was kept, in one step."""
    write_whole(folder / _STATE, state.model_dump_json())


def write_whole(path: Path, text: str) -> None:
    """Write a file, which nobody sees a part of."""
    incoming = path.with_suffix(".incoming")
    incoming.write_text(text, encoding="utf-8")
    incoming.replace(path)


@contextlib.contextmanager
def reserve(folder: Path) -> Iterator[None]:
    """Keep a folder from a second monitor.

    Raises:
        ServingError: there is one already, or the folder cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        held = filelock.FileLock(folder / _LOCK).acquire(timeout=0)
    except filelock.Timeout:
        raise ServingError(
            f"Another monitor writes to {folder}: end it, or name another folder with --output."
        ) from None
    except OSError as error:
        raise ServingError(f"{folder} cannot be written to ({error.strerror}).") from error
    with held:
        yield
