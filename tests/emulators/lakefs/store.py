"""The state of the emulator: an SQLite file, in which every change is whole or not there."""

import functools
import hashlib
import json
import sqlite3
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from .errors import not_found

# An object: physical address, size, checksum, modification time, metadata, content type.
Entry = dict[str, Any]
Tree = Mapping[str, Entry]

_TABLES = """
create table if not exists repositories (id text primary key, value text);
create table if not exists branches (
    repository text, id text, commit_id text, primary key (repository, id));
create table if not exists tags (
    repository text, id text, commit_id text, primary key (repository, id));
create table if not exists commits (
    repository text, id text, value text, primary key (repository, id));
create table if not exists trees (id text primary key, value text);
create table if not exists staged (
    repository text, branch text, path text, value text, primary key (repository, branch, path));
create table if not exists addresses (
    repository text, branch text, path text, address text primary key);
create table if not exists imports (id text primary key, value text);
"""


class Store:
    """Repositories, by tables. All access is within `changing`, one thread at a time.

    Args:
        folder: Where the file lies; gone on with when it is there.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._lock = threading.RLock()
        self.db = sqlite3.connect(folder / "lakefs.sqlite", check_same_thread=False)
        self.db.execute("pragma synchronous = off")  # it is to survive its own end, not a power cut
        self.db.executescript(_TABLES)
        self.tree = functools.lru_cache(64)(self._read_tree)

    def close(self) -> None:
        """Ends the use of the file."""
        self.db.close()

    @contextmanager
    def changing(self) -> Iterator[None]:
        """A transaction that no other thread sees the middle of."""
        with self._lock, self.db:
            yield

    def repository(self, repository: str) -> dict[str, Any]:
        """What is known of a repository; 404 where there is none."""
        found = self._one("select value from repositories where id = ?", repository)
        if found is None:
            raise not_found("repository")
        return json.loads(found)

    def write_repository(self, value: dict[str, Any]) -> None:
        """Writes what is known of a repository."""
        self.db.execute(
            "insert or replace into repositories values (?, ?)", (value["id"], json.dumps(value))
        )

    def names(self, table: str, repository: str) -> dict[str, str]:
        """Commits by the names of branches or tags, sorted."""
        rows = self.db.execute(
            f"select id, commit_id from {table} where repository = ? order by id", (repository,)
        )
        return dict(rows)

    def point(self, table: str, repository: str, name: str, commit_id: str) -> None:
        """Lets a branch or a tag be a commit's."""
        self.db.execute(
            f"insert or replace into {table} values (?, ?, ?)", (repository, name, commit_id)
        )

    def unpoint(self, table: str, repository: str, name: str) -> None:
        """Forgets a branch, with what is staged on it, or a tag."""
        self.db.execute(f"delete from {table} where repository = ? and id = ?", (repository, name))
        if table == "branches":
            self.unstage(repository, name)

    def commit(self, repository: str, commit_id: str) -> dict[str, Any] | None:
        """A commit by its id."""
        found = self._one(
            "select value from commits where repository = ? and id = ?", repository, commit_id
        )
        return found and json.loads(found)

    def commits_like(self, repository: str, prefix: str) -> list[str]:
        """The ids of commits that begin so."""
        rows = self.db.execute(
            "select id from commits where repository = ? and id like ?", (repository, f"{prefix}%")
        )
        return [row[0] for row in rows]

    def add_commit(
        self,
        repository: str,
        tree: Tree,
        parents: list[str],
        message: str,
        metadata: Mapping[str, str],
        committer: str,
    ) -> str:
        """Adds a commit of a tree; returns its id, the digest of all that it says."""
        text = json.dumps(tree, sort_keys=True)
        tree_id = hashlib.sha256(text.encode()).hexdigest()
        self.db.execute("insert or ignore into trees values (?, ?)", (tree_id, text))
        before = [self.commit(repository, parent) or {} for parent in parents]
        value = {
            "parents": parents,
            "committer": committer,
            "message": message,
            "creation_date": int(time.time()),
            "meta_range_id": tree_id,
            "metadata": dict(metadata),
            "generation": 1 + max((parent["generation"] for parent in before), default=0),
            "version": 1,
        }
        digest = hashlib.sha256(json.dumps([repository, value], sort_keys=True).encode())
        value["id"] = digest.hexdigest()
        self.db.execute(
            "insert or replace into commits values (?, ?, ?)",
            (repository, value["id"], json.dumps(value)),
        )
        return value["id"]

    def tree_of(self, repository: str, commit_id: str) -> Tree:
        """The objects of a commit, by path."""
        commit = self.commit(repository, commit_id)
        assert commit is not None
        return self.tree(commit["meta_range_id"])

    def staged(self, repository: str, branch: str) -> dict[str, Entry | None]:
        """What was written to a branch since its commit, None for what was deleted."""
        rows = self.db.execute(
            "select path, value from staged where repository = ? and branch = ?",
            (repository, branch),
        )
        return {path: json.loads(value) for path, value in rows}

    def staged_one(self, repository: str, branch: str, path: str) -> tuple[bool, Entry | None]:
        """Whether a path was written to since the commit, and what is there."""
        found = self._one(
            "select value from staged where repository = ? and branch = ? and path = ?",
            repository,
            branch,
            path,
        )
        return (False, None) if found is None else (True, json.loads(found))

    def stage(self, repository: str, branch: str, path: str, entry: Entry | None) -> None:
        """Writes a path of a branch, or deletes it."""
        self.db.execute(
            "insert or replace into staged values (?, ?, ?, ?)",
            (repository, branch, path, json.dumps(entry)),
        )

    def unstage(self, repository: str, branch: str, prefix: str = "") -> None:
        """Forgets what was written to a branch below a path."""
        self.db.execute(
            "delete from staged where repository = ? and branch = ? and substr(path, 1, ?) = ?",
            (repository, branch, len(prefix), prefix),
        )

    def record_import(self, import_id: str, value: dict[str, Any]) -> None:
        """Writes how an import stands."""
        self.db.execute(
            "insert or replace into imports values (?, ?)", (import_id, json.dumps(value))
        )

    def import_of(self, import_id: str) -> dict[str, Any]:
        """How an import stands."""
        found = self._one("select value from imports where id = ?", import_id)
        if found is None:
            raise not_found("import")
        return json.loads(found)

    def _read_tree(self, tree_id: str) -> Tree:
        found = self._one("select value from trees where id = ?", tree_id)
        assert found is not None
        return json.loads(found)

    def _one(self, query: str, *values: str) -> str | None:
        row = self.db.execute(query, values).fetchone()
        return None if row is None else row[0]
