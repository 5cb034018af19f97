"""Work that waits, in a file: a killed process loses none of it and does none of it twice."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.hooks.messages import Kind, Work

_KEPT = 30 * 86_400  # s that an event is remembered; older messages are refused for their age
_TABLES = (
    "CREATE TABLE IF NOT EXISTS events (id TEXT PRIMARY KEY, received REAL NOT NULL)",
    "CREATE TABLE IF NOT EXISTS work (number INTEGER PRIMARY KEY, kind TEXT NOT NULL, "
    "argument TEXT NOT NULL, due REAL NOT NULL, state TEXT NOT NULL)",
)


@dataclass(frozen=True)
class Entry:
    """A piece of work in the queue.

    Attributes:
        number: its place.
        kind: as in `Work`, like `argument`.
        argument: likewise.
        state: waiting, running, done or failed.
    """

    number: int
    kind: Kind
    argument: str
    state: str


class Queue:
    """A queue in an SQLite database; every method may be called from any thread.

    Args:
        path: of the database, which is made where there is none.
        settle: seconds that work which may grow waits after the last addition.
    """

    def __init__(self, path: Path, settle: float) -> None:
        self._path, self._settle = path, settle
        path.parent.mkdir(parents=True, exist_ok=True)
        with self._transaction() as database:
            for statement in _TABLES:
                database.execute(statement)
            # What ran when the process ended is begun again.
            database.execute("UPDATE work SET state = 'waiting' WHERE state = 'running'")

    def add(self, work: Work, now: float) -> bool:
        """Add work, unless all of its events were announced before; tell whether it did.

        Args:
            work: what is to be done.
            now: seconds since the epoch.
        """
        with self._transaction() as database:
            database.execute("DELETE FROM events WHERE received < ?", (now - _KEPT,))
            added = [
                database.execute(
                    "INSERT OR IGNORE INTO events VALUES (?, ?)", (event, now)
                ).rowcount
                for event in work.events
            ]
            if not any(added):
                return False
            due = now + self._settle if work.may_grow else now
            grown = (
                work.may_grow
                and database.execute(
                    "UPDATE work SET due = ? WHERE state = 'waiting' AND kind = ? AND argument = ?",
                    (due, work.kind, work.argument),
                ).rowcount
            )
            if not grown:
                database.execute(
                    "INSERT INTO work (kind, argument, due, state) VALUES (?, ?, ?, 'waiting')",
                    (work.kind, work.argument, due),
                )
        return True

    def is_due(self, now: float) -> bool:
        """Tell whether `take` has something to give."""
        query = "SELECT EXISTS (SELECT 1 FROM work WHERE state = 'waiting' AND due <= ?)"
        with self._transaction() as database:
            return bool(database.execute(query, (now,)).fetchone()[0])

    def take(self, now: float) -> Entry | None:
        """Mark the first entry that is due as running; None where nothing is to be done yet."""
        with self._transaction() as database:
            row = database.execute(
                "UPDATE work SET state = 'running' WHERE number = (SELECT number FROM work "
                "WHERE state = 'waiting' AND due <= ? ORDER BY number LIMIT 1) "
                "RETURNING number, kind, argument, state",
                (now,),
            ).fetchone()
        return Entry(*row) if row else None

    def finish(self, number: int, state: str) -> None:
        """Note how an entry ended: `done` or `failed`."""
        with self._transaction() as database:
            database.execute("UPDATE work SET state = ? WHERE number = ?", (state, number))

    def newest(self, count: int) -> list[Entry]:
        """Return the entries of the highest numbers, the newest first."""
        query = "SELECT number, kind, argument, state FROM work ORDER BY number DESC LIMIT ?"
        with self._transaction() as database:
            return [Entry(*row) for row in database.execute(query, (count,))]

    @contextmanager
    def _transaction(self) -> Iterator[Any]:
        with closing(sqlite3.connect(self._path, timeout=30)) as database, database:
            database.isolation_level = None
            database.execute("BEGIN IMMEDIATE")
            yield database
