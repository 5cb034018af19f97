"""Repositories on disk: commits, branches, tags and the LFS objects each of them holds."""

import hashlib
import json
import os
import re
import shutil
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from .errors import HubError
from .storage import Storage

# What the .gitattributes of the Hub's initial commit keeps in LFS.
LFS_PATTERNS = """
*.7z *.arrow *.bin *.bz2 *.ckpt *.ftz *.gz *.h5 *.joblib *.lfs.* *.mlmodel *.model *.msgpack *.npy
*.npz *.onnx *.ot *.parquet *.pb *.pickle *.pkl *.pt *.pth *.rar *.safetensors saved_model/**/*
*.tar.* *.tar *.tflite *.tgz *.wasm *.xz *.zip *.zst *tfevents*
"""
GITATTRIBUTES = "".join(
    f"{pattern} filter=lfs diff=lfs merge=lfs -text\n" for pattern in LFS_PATTERNS.split()
).encode()
REPO_ID = re.compile(r"(?!.*\.\.)[\w.-]+/[\w-][\w.-]*", re.A)
REF_NAME = re.compile(r"(?!.*(\.\.|//|@\{|/$|\.$|\.lock$))[^\s~^:?*\[\\/.-][^\s~^:?*\[\\]*")
LFS_OID = re.compile(r"[0-9a-f]{64}")
COMMIT_ID = re.compile(r"[0-9a-f]{7,40}")

Entry = dict[str, Any]  # of a tree: oid, size and, for an LFS file, lfs (its SHA-256)
Tree = dict[str, Entry]


def now() -> str:
    """The time as the Hub writes it."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


@dataclass(frozen=True)
class Commit:
    """A commit: its tree is the whole list of files, by path."""

    id: str
    parent: str | None
    title: str
    message: str
    author: str
    date: str
    tree: Tree


class Repository:
    """One repository of the store.

    Args:
        store: The store that holds it.
        folder: Where it lies.
    """

    def __init__(self, store: "Store", folder: Path) -> None:
        self.store = store
        self.folder = folder
        self.state: dict[str, Any] = json.loads((folder / "repo.json").read_text())

    @property
    def kind(self) -> str:
        return self.state["kind"]

    @property
    def id(self) -> str:
        return self.state["id"]

    @property
    def namespace(self) -> str:
        return self.id.split("/")[0]

    @property
    def private(self) -> bool:
        return self.state["visibility"] == "private"

    def change(self, change: Callable[[dict[str, Any]], None]) -> None:
        """Applies a change to the state on disk, one change at a time."""
        with self.store.lock:
            self.state = json.loads((self.folder / "repo.json").read_text())
            change(self.state)
            self.store.files.write_json(self.folder / "repo.json", self.state)

    def commit_at(self, revision: str) -> Commit:
        """The commit that a branch, a tag or the beginning of a commit's id names."""
        branches, tags = self.state["branches"], self.state["tags"]
        name = revision.removeprefix("refs/heads/").removeprefix("refs/tags/")
        commit_id = branches.get(name) or tags.get(name)
        if commit_id is None and COMMIT_ID.fullmatch(revision):
            found = list((self.folder / "commits").glob(f"{revision}*.json"))
            commit_id = found[0].stem if len(found) == 1 else None
        if commit_id is None:
            raise HubError(404, f"Invalid rev id: {revision}", "RevisionNotFound")
        text = (self.folder / "commits" / f"{commit_id}.json").read_text()
        return Commit(commit_id, **json.loads(text))

    def history(self, revision: str) -> Iterator[Commit]:
        """The commits up to a revision, newest first."""
        commit = self.commit_at(revision)
        yield commit
        while commit.parent is not None:
            commit = self.commit_at(commit.parent)
            yield commit

    def entry(self, revision: str, path: str) -> tuple[Commit, Entry]:
        """A file at a revision."""
        commit = self.commit_at(revision)
        if path not in commit.tree:
            raise HubError(
                404,
                f'File "{path}" not found in revision "{revision}"',
                "EntryNotFound",
                headers={"X-Repo-Commit": commit.id},
            )
        return commit, commit.tree[path]

    def content(self, revision: str, path: str) -> bytes:
        """The bytes of a file at a revision."""
        return self.blob(self.entry(revision, path)[1]).read_bytes()

    def blob(self, entry: Entry) -> Path:
        """Where the bytes of a file lie."""
        return self.store.files.blob(entry.get("lfs") or entry["oid"])

    def has_lfs(self, oid: str) -> bool:
        """Whether the object was uploaded to this repository; others' objects do not count."""
        return bool(LFS_OID.fullmatch(oid)) and (self.folder / "lfs" / oid).exists()

    def mark_lfs(self, oid: str) -> None:
        """Notes that the object, which lies among the blobs, is in this repository."""
        (self.folder / "lfs" / oid).touch()

    def write(
        self,
        branch: str,
        parent: str | None,
        title: str,
        message: str,
        author: str,
        edit: Callable[[Tree], None],
    ) -> Commit:
        """Commits an edit of the tree at the head of a branch.

        Args:
            branch: The branch that moves.
            parent: The commit (or its beginning) that must be the head, if given.
            title: The first line of the message.
            message: The rest of it.
            author: The user.
            edit: Changes the tree of the head in place; when it raises, nothing is committed.

        Raises:
            HubError: 412 when the head is another than `parent`.
        """
        with self.store.lock:
            self.state = json.loads((self.folder / "repo.json").read_text())
            if branch not in self.state["branches"]:
                raise HubError(404, f"Invalid rev id: {branch}", "RevisionNotFound")
            head = self.commit_at(branch)
            if parent is not None and not head.id.startswith(parent.lower()):
                raise HubError(412, "A commit has happened since. Please refresh and try again.")
            tree = dict(head.tree)
            edit(tree)
            return self._append(branch, head.id, title, message, author, tree)

    def _append(
        self, branch: str, parent: str | None, title: str, message: str, author: str, tree: Tree
    ) -> Commit:
        # The commit is on disk before the branch names it: a kill in between loses nothing.
        fields: dict[str, Any] = {
            "parent": parent,
            "title": title,
            "message": message,
            "author": author,
            "date": now(),
            "tree": tree,
        }
        commit_id = hashlib.sha1(json.dumps(fields, sort_keys=True).encode()).hexdigest()
        self.store.files.write_json(self.folder / "commits" / f"{commit_id}.json", fields)
        self.change(lambda state: state["branches"].update({branch: commit_id}))
        return Commit(commit_id, **fields)

    def add_ref(self, group: str, name: str, revision: str) -> None:
        """Adds a branch or a tag (`group` is "branches" or "tags")."""
        if not REF_NAME.fullmatch(name):
            raise HubError(400, f'"{name}" is not a valid name for a branch or a tag')
        with self.store.lock:
            commit = self.commit_at(revision)

            def add(state: dict[str, Any]) -> None:
                if name in state[group]:
                    raise HubError(409, f'Reference "{name}" already exists')
                state[group][name] = commit.id

            self.change(add)

    def delete_ref(self, group: str, name: str) -> None:
        """Deletes a branch or a tag."""

        def delete(state: dict[str, Any]) -> None:
            if name not in state[group]:
                raise HubError(404, f"Invalid rev id: {name}", "RevisionNotFound")
            del state[group][name]

        self.change(delete)

    def used_bytes(self) -> int:
        """What the repository takes of its namespace's quota, past commits included."""
        sizes = {
            marker.name: self.store.files.blob(marker.name).stat().st_size
            for marker in (self.folder / "lfs").iterdir()
        }
        for commit in (self.folder / "commits").iterdir():
            for entry in json.loads(commit.read_text())["tree"].values():
                if "lfs" not in entry:
                    sizes[entry["oid"]] = entry["size"]
        return sum(sizes.values())


class Store:
    """All repositories. The disk holds the whole state: nothing is cached between requests.

    Args:
        folder: Where the state lies; made when absent.
    """

    def __init__(self, folder: Path) -> None:
        self.files = Storage(folder)
        self.lock = threading.RLock()

    def _folder(self, kind: str, repo_id: str) -> Path:
        return self.files.folder / "repos" / kind / repo_id

    def find(self, kind: str, repo_id: str) -> Repository | None:
        """The repository, or None where there is none; kind is models, datasets or spaces."""
        if not REPO_ID.fullmatch(repo_id):  # which could mean another folder
            return None
        folder = self._folder(kind, repo_id)
        return Repository(self, folder) if (folder / "repo.json").exists() else None

    def create(
        self,
        kind: str,
        repo_id: str,
        author: str,
        files: dict[str, bytes],
        **fields: Any,
    ) -> Repository:
        """Makes a repository with its initial commit.

        Args:
            kind: models, datasets or spaces.
            repo_id: namespace/name.
            author: Who makes it.
            files: What the initial commit holds besides .gitattributes.
            **fields: What else the state holds.
        """
        with self.lock:
            # Everything is put together aside and appears with one rename.
            aside = self.files.temporary()
            for part in ("commits", "lfs"):
                (aside / part).mkdir(parents=True)
            state = {
                "kind": kind,
                "id": repo_id,
                "createdAt": now(),
                "gated": False,
                "branches": {},
                "tags": {},
                **fields,
            }
            self.files.write_json(aside / "repo.json", state)
            tree = {
                path: {"oid": self.files.add_regular(content), "size": len(content)}
                for path, content in {".gitattributes": GITATTRIBUTES, **files}.items()
            }
            Repository(self, aside)._append("main", None, "initial commit", "", author, tree)
            folder = self._folder(kind, repo_id)
            folder.parent.mkdir(parents=True, exist_ok=True)
            os.rename(aside, folder)
            return Repository(self, folder)

    def delete(self, repository: Repository) -> None:
        """Removes a repository; its blobs stay, as other repositories may hold them."""
        aside = self.files.temporary()
        os.rename(repository.folder, aside)
        shutil.rmtree(aside)

    def used_bytes(self, namespace: str) -> int:
        """What the repositories of a namespace take."""
        folders = (self.files.folder / "repos").glob(f"*/{namespace}/*")
        return sum(Repository(self, folder).used_bytes() for folder in folders)
