"""Follows a PIPELINE_ROOT that was moved, renamed or copied with its metadata store."""

import contextlib
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import filelock
from ml_metadata.proto import metadata_store_pb2

from pipeline.terminal import tell

# Columns of MLMD's tables that hold paths of artifacts, or what steps and runs were told.
_COLUMNS = (
    ("Artifact", "uri"),
    ("ArtifactProperty", "string_value"),
    ("ExecutionProperty", "string_value"),
    ("ContextProperty", "string_value"),
)
# TFX's folder of an artifact is ROOT/STEP/KEY/EXECUTION.
_OUTPUTS = """
SELECT DISTINCT Artifact.uri, EventPath.step_key, Event.execution_id FROM Artifact
JOIN Event ON Event.artifact_id = Artifact.id AND Event.type = ?
JOIN EventPath ON EventPath.event_id = Event.id AND EventPath.step_key IS NOT NULL
"""


def lock_of(root: Path) -> filelock.FileLock:
    """Return what a run holds; the system releases it even when the process is killed."""
    return filelock.FileLock(root / ".lock", timeout=0)


def settle(metadata_path: Path) -> None:
    """Make the paths in a metadata store those of the folder where it lies, and say so.

    MLMD keeps absolute paths. Those under the former root become those under the present one,
    whether there is something or not: a copy never touches its original. What lay beside the root
    and is gone from there, as a folder of pushed models when the whole project was moved, is
    looked for at the same place beside the present root.

    Args:
        metadata_path: the SQLite file, a store of MLMD; nothing is done where there is none.

    Raises:
        ValueError: the root was moved and cannot be written, or a run is using it; the message
            has the cure.
    """
    root = metadata_path.parent
    if not metadata_path.exists() or not (former := _former_roots(metadata_path)):
        return
    named = " and ".join(str(folder) for folder in former)
    try:
        with lock_of(root), _transaction(metadata_path) as connection:
            for folder in former:
                _rewrite(connection, folder, root)
    except filelock.Timeout as error:
        raise ValueError(
            f"A run is using PIPELINE_ROOT={root} as {named}; wait for it, or set another."
        ) from error
    except (OSError, sqlite3.Error) as error:
        raise ValueError(
            f"PIPELINE_ROOT={root} was {named} when its runs were made, and its metadata cannot be "
            f"told ({error}): mend its permissions, or move it back."
        ) from error
    tell(f"PIPELINE_ROOT={root} was {named} before: its runs are found here from now on.")


@contextlib.contextmanager
def _transaction(metadata_path: Path) -> Iterator[sqlite3.Connection]:
    with contextlib.closing(sqlite3.connect(metadata_path)) as connection, connection:
        yield connection


def _former_roots(metadata_path: Path) -> list[Path]:
    """Folders other than the store's under which runs have put their artifacts."""
    try:
        with _transaction(metadata_path) as connection:
            outputs = connection.execute(_OUTPUTS, [metadata_store_pb2.Event.OUTPUT]).fetchall()
    except sqlite3.DatabaseError:
        return []  # no store, or not yet one: whoever opens it says so
    roots = {
        Path(uri).parents[2]
        for uri, key, execution in outputs
        if uri.startswith("/") and Path(uri).parts[-2:] == (key, str(execution))
    }
    return sorted(roots - {metadata_path.parent})


def _rewrite(connection: sqlite3.Connection, former: Path, root: Path) -> None:
    for table, column in _COLUMNS:
        # Names of tables are no parameters in SQL; these are constants.
        paths = connection.execute(
            f"SELECT DISTINCT {column} FROM {table} WHERE {column} LIKE '/%'"
        ).fetchall()
        for (path,) in paths:
            update = f"UPDATE {table} SET {column} = ? WHERE {column} = ?"
            connection.execute(update, [_moved(path, former, root), path])


def _moved(path: str, former: Path, root: Path) -> str:
    """Where something is now; the path as it is for what was not moved."""
    if Path(path).is_relative_to(former):
        return str(root / Path(path).relative_to(former))
    while former.name == root.name:  # up to the folder that was renamed, or whose parent was left
        former, root = former.parent, root.parent
    if os.path.exists(path) or not Path(path).is_relative_to(former):
        return path
    beside = str(root / Path(path).relative_to(former))
    return beside if os.path.exists(beside) else path
