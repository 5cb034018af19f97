"""What rehearsals leave to later ones: runs, executions and artifacts, in one SQLite file."""

import contextlib
import dataclasses
import datetime
import json
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import filelock

from pipeline.jobs.states import Artifact, Outcome, Outputs, RehearsalError, State, TaskState
from pipeline.rehearsal.storage import MappedStorage

# The variable by which a step that asks the service for its job finds who runs it here.
STORE = "REHEARSAL_STORE"
GCS = "gcs"  # folder of what stands for Cloud Storage
_FILE = "metadata.sqlite"
_SCHEMA = """
CREATE TABLE IF NOT EXISTS runs (
    run_id TEXT PRIMARY KEY, pipeline TEXT NOT NULL, state TEXT NOT NULL,
    created TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP, job TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS executions (
    run_id TEXT NOT NULL REFERENCES runs, task TEXT NOT NULL, state TEXT NOT NULL,
    begin TEXT, "end" TEXT, error TEXT, outputs TEXT, cache_key TEXT,
    PRIMARY KEY (run_id, task)
);
CREATE INDEX IF NOT EXISTS executions_by_cache_key ON executions (cache_key);
CREATE TABLE IF NOT EXISTS artifacts (
    id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE, run_id TEXT NOT NULL
    REFERENCES runs, uri TEXT NOT NULL, type TEXT NOT NULL, metadata TEXT NOT NULL
);
"""


class Store:
    """The records of a store's folder; usable from several threads.

    Args:
        path: the SQLite file; made where there is none.

    Raises:
        RehearsalError: here and in all methods: the file is no store, or cannot be written to.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        with self._explained():
            self._connection = sqlite3.connect(path, check_same_thread=False)
            self._connection.executescript(_SCHEMA)
        self._cancel_unfinished()

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def begin_run(self, run_id: str, pipeline: str, job: Any) -> None:
        """Record a new run.

        Raises:
            RehearsalError: there is one of that name.
        """
        try:
            self._execute(
                "INSERT INTO runs (run_id, pipeline, state, job) VALUES (?, ?, ?, ?)",
                (run_id, pipeline, State.RUNNING, json.dumps(job)),
            )
        except sqlite3.IntegrityError as error:
            raise RehearsalError(f"The store has a run {run_id} already.") from error

    def end_run(self, run_id: str, state: State) -> None:
        """Record how a run ended."""
        self._execute("UPDATE runs SET state = ? WHERE run_id = ?", (state, run_id))

    def save(self, run_id: str, task: TaskState, cache_key: str | None) -> None:
        """Record where a task stands; what it has put out is an artifact from then on."""
        outputs = None if task.outputs is None else json.dumps(dataclasses.asdict(task.outputs))
        with self._transaction() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO executions VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    run_id,
                    task.name,
                    task.state,
                    task.begin and task.begin.isoformat(),
                    task.end and task.end.isoformat(),
                    task.error,
                    outputs,
                    cache_key,
                ),
            )
            for artifact in (a for listed in _artifacts(task) for a in listed):
                connection.execute(
                    "INSERT OR IGNORE INTO artifacts (name, run_id, uri, type, metadata) "
                    "VALUES (?, ?, ?, ?, ?)",
                    (
                        artifact.name,
                        run_id,
                        artifact.uri,
                        json.dumps(artifact.type),
                        json.dumps(artifact.metadata),
                    ),
                )

    def cached(self, pipeline: str, cache_key: str) -> Outputs | None:
        """Return what the newest success of the same pipeline with that key put out."""
        rows = self._execute(
            "SELECT outputs FROM executions JOIN runs USING (run_id) WHERE pipeline = ? "
            'AND cache_key = ? AND executions.state = ? ORDER BY "end" DESC LIMIT 1',
            (pipeline, cache_key, State.SUCCEEDED),
        )
        return _outputs(rows[0][0]) if rows else None

    def artifacts(self, pipeline: str) -> list[Artifact]:
        """All that the pipeline's runs have put out, newest first."""
        rows = self._execute(
            "SELECT name, uri, type, metadata FROM artifacts JOIN runs USING (run_id) "
            "WHERE pipeline = ? ORDER BY id DESC",
            (pipeline,),
        )
        return [
            Artifact(name, uri, json.loads(type_), json.loads(metadata))
            for name, uri, type_, metadata in rows
        ]

    def _cancel_unfinished(self) -> None:
        """Mark what a killed rehearsal left behind; only one rehearsal runs at a time."""
        for table in ("runs", "executions"):
            self._execute(
                f"UPDATE {table} SET state = ? WHERE state IN (?, ?)",
                (State.CANCELLED, State.RUNNING, State.PENDING),
            )

    def _execute(self, statement: str, values: tuple[Any, ...]) -> list[tuple[Any, ...]]:
        with self._transaction() as connection:
            return connection.execute(statement, values).fetchall()

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._lock, self._explained(), self._connection:
            yield self._connection

    @contextlib.contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.OperationalError as error:
            raise RehearsalError(
                f"The store's file {self._path} cannot be written to ({error}): make room or mend "
                "its rights, or name another store."
            ) from error
        except sqlite3.IntegrityError:
            raise
        except sqlite3.DatabaseError as error:
            raise RehearsalError(
                f"{self._path} is not the file of a rehearsal's store ({error}): move it away, or "
                "name another store."
            ) from error


@contextlib.contextmanager
def open_store(folder: Path) -> Iterator[Store]:
    """Open the store in a folder for one rehearsal, making it where there is none.

    Raises:
        RehearsalError: another rehearsal has it, it cannot be written to, or its file is no store.
    """
    # The system releases the lock even when the process is killed.
    lock = filelock.FileLock(folder / ".lock", timeout=0, is_singleton=False)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        held = lock.acquire()
    except filelock.Timeout as error:
        raise RehearsalError(
            f"Another rehearsal is using the store {folder}; wait for it, or name another store."
        ) from error
    except OSError as error:
        raise RehearsalError(
            f"The store {folder} cannot be written to ({error}): mend that, or name another store."
        ) from error
    with held, contextlib.closing(Store(folder / _FILE)) as store:
        yield store


def read_outcome(folder: Path, run_id: str) -> Outcome:
    """Return what became of a run so far; its artifacts have paths of this machine.

    Args:
        folder: of the store.
        run_id: as the rehearsal named the run.
    """
    statement = (
        'SELECT task, executions.state, begin, "end", error, outputs, runs.state '
        "FROM executions JOIN runs USING (run_id) WHERE run_id = ?"
    )
    to_local = MappedStorage(folder / GCS).to_local
    with contextlib.closing(sqlite3.connect(folder / _FILE)) as connection:
        rows = connection.execute(statement, (run_id,)).fetchall()
    tasks = {
        task: TaskState(
            name=task,
            state=State(state),
            begin=_time(begin),
            end=_time(end),
            error=error,
            outputs=_outputs(to_local(outputs)) if outputs else None,
        )
        for task, state, begin, end, error, outputs, _ in rows
    }
    return Outcome(run_id, State(rows[0][-1]), tasks, ())


def _time(text: str | None) -> datetime.datetime | None:
    return datetime.datetime.fromisoformat(text) if text else None


def _artifacts(task: TaskState) -> Iterator[list[Artifact]]:
    if task.outputs is not None:
        yield from task.outputs.artifacts.values()


def _outputs(text: str) -> Outputs:
    loaded = json.loads(text)
    artifacts = {
        key: [Artifact(**fields) for fields in listed]
        for key, listed in loaded["artifacts"].items()
    }
    return Outputs(artifacts, loaded["parameters"])
