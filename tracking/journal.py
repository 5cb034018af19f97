"""What is to be told of a run, on disk before it is sent: nothing waits for a server.

A journal is a folder, PIPELINE_ROOT/tracking/RUN: `events.jsonl`, a line for each event with the
time at which it happened; `artifacts/`, the files that go along; and `state.json`, up to where
MLflow has them. When all is sent, the state alone stays.
"""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import filelock

from tracking.entries import METRICS, OTHERS, TAG, VALUE, cut, fit_key

FOLDER = "tracking"
EVENTS = "events.jsonl"
_STATE = "state.json"
_LOCK = ".lock"


@dataclass(frozen=True)
class State:
    """How far a journal is sent.

    Attributes:
        run: MLflow's id of the run; empty before it is there.
        url: of the run's page.
        offset: bytes of the events that MLflow has.
        refused: what MLflow did not take, a sentence each.
        finished: whether all of it is sent.
    """

    run: str = ""
    url: str = ""
    offset: int = 0
    refused: tuple[str, ...] = ()
    finished: bool = False


class Journal:
    """One run's journal; any number of threads and processes may append to it.

    Args:
        folder: where it is.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._events = folder / EVENTS
        self.artifacts = folder / "artifacts"

    def open(
        self, run_id: str, experiment: str, tags: Mapping[str, str], start: int | None = None
    ) -> None:
        """Begin it.

        Args:
            run_id: as the runner named the run.
            experiment: the name of MLflow's.
            tags: by which the run is found from its beginning on.
            start: milliseconds since 1970; now, by default.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        begun = {"run": run_id, "experiment": experiment, "start": start or now()}
        self._append("open", **begun, tags=_tags(tags))

    def metrics(self, values: Mapping[str, float], step: int = 0, when: int | None = None) -> None:
        """Add metrics.

        Args:
            values: by name.
            step: the epoch, or what else they are counted by.
            when: milliseconds since 1970; now, by default.
        """
        self._append_metrics(
            "metrics", [(name, value, step, when or now()) for name, value in values.items()]
        )

    def history(self, history: Mapping[str, list[float]]) -> None:
        """Add metrics of every epoch so far; those that MLflow has already stay as they are."""
        when = now()
        self._append_metrics(
            "history",
            [
                (name, value, epoch, when)
                for name, values in history.items()
                for epoch, value in enumerate(values)
            ],
        )

    def params(self, values: Mapping[str, str]) -> None:
        """Add parameters; a value that is too long is cut."""
        fitted = {fit_key(name): cut(value, VALUE) for name, value in values.items()}
        for some in _parts(list(fitted.items()), OTHERS):
            self._append("params", params=dict(some))

    def tags(self, values: Mapping[str, str]) -> None:
        """Add tags, or replace their values."""
        for some in _parts(list(_tags(values).items()), OTHERS):
            self._append("tags", tags=dict(some))

    def dataset(self, dataset: Mapping[str, str]) -> None:
        """Add what the run learns from: name, digest, source_type and source, as MLflow has it."""
        self._append("dataset", dataset=dict(dataset))

    def artifact(self, name: str, content: bytes) -> None:
        """Add a file.

        Args:
            name: its path among the run's artifacts.
            content: its bytes.
        """
        path = self.artifacts / name
        path.parent.mkdir(parents=True, exist_ok=True)
        incoming = path.with_name(f"{path.name}.tmp")
        incoming.write_bytes(content)
        incoming.replace(path)
        self._append("artifact", name=name)

    def close(self, status: str, end: int | None = None) -> None:
        """End it: FINISHED, FAILED or KILLED. Nothing is appended afterwards."""
        self._append("close", status=status, end=end or now())

    def events(self, offset: int = 0) -> Iterator[tuple[dict[str, Any], int]]:
        """Yield the events from an offset on, each with the offset of the next.

        A line that a full disk cut off is left out.
        """
        try:
            file = self._events.open("rb")
        except FileNotFoundError:
            return
        with file:
            file.seek(offset)
            for line in file:
                if not line.endswith(b"\n"):
                    return  # which is being written
                offset += len(line)
                try:
                    event = json.loads(line)
                except ValueError:
                    continue
                if isinstance(event, dict) and "kind" in event:
                    yield event, offset

    @property
    def waiting(self) -> int:
        """How many events MLflow does not have yet."""
        return sum(1 for _ in self.events(self.state.offset))

    @property
    def size(self) -> int:
        """Bytes of its events."""
        return self._events.stat().st_size if self._events.exists() else 0

    @property
    def closed(self) -> bool:
        """Whether the run has ended."""
        return any(event["kind"] == "close" for event, _ in self.events())

    @property
    def last_written(self) -> int:
        """Milliseconds since 1970 at which the last event was added."""
        return int(self._events.stat().st_mtime * 1000)

    @property
    def state(self) -> State:
        """How far it is sent; that of a damaged file is the beginning."""
        try:
            kept = json.loads((self.folder / _STATE).read_bytes())
            return State(**{**kept, "refused": tuple(kept["refused"])})
        except (OSError, ValueError, TypeError, KeyError):
            return State()

    def keep(self, state: State) -> None:
        """Write how far it is sent."""
        incoming = self.folder / f"{_STATE}.tmp"
        incoming.write_text(json.dumps(asdict(state)), encoding="utf-8")
        incoming.replace(self.folder / _STATE)

    def finish(self) -> None:
        """Drop what MLflow has all of."""
        self.keep(replace(self.state, finished=True, offset=0))
        self._events.unlink(missing_ok=True)
        shutil.rmtree(self.artifacts, ignore_errors=True)

    def lock(self) -> filelock.FileLock:
        """Return what the one holds who sends it."""
        return filelock.FileLock(self.folder / _LOCK, timeout=0)

    def _append_metrics(self, kind: str, metrics: list[tuple[str, float, int, int]]) -> None:
        for some in _parts([(fit_key(name), *rest) for name, *rest in metrics], METRICS):
            self._append(kind, metrics=some)

    def _append(self, kind: str, **fields: Any) -> None:
        # The line break in front ends what a full disk cut off. One write is one whole line, also
        # when others append at the same moment.
        line = f"\n{json.dumps({'kind': kind, **fields})}\n".encode()
        file = os.open(self._events, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        try:
            os.write(file, line)
        finally:
            os.close(file)


def journal_of(root: Path, stem: str) -> Journal:
    """Return the journal of a run, by the name that its files have."""
    return Journal(root / FOLDER / stem)


def waiting_journals(root: Path) -> list[Journal]:
    """Those of which MLflow does not have all, the oldest first."""
    return [Journal(path.parent) for path in sorted((root / FOLDER).glob(f"*/{EVENTS}"))]


def close_killed(root: Path) -> None:
    """End the journals of runs that were killed. None of the folder's runs may be going on."""
    for journal in waiting_journals(root):
        if not journal.closed:
            journal.close("KILLED", journal.last_written)


def now() -> int:
    """Milliseconds since 1970."""
    return time.time_ns() // 1_000_000


def _tags(values: Mapping[str, str]) -> dict[str, str]:
    return {fit_key(name): cut(value, TAG) for name, value in values.items()}


def _parts(items: list[Any], size: int) -> Iterator[list[Any]]:
    for begin in range(0, len(items), size):
        yield items[begin : begin + size]
