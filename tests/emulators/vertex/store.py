"""The resources, each a JSON file that is written whole or not at all."""

import fcntl
import json
import os
import threading
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from google.cloud.aiplatform_v1 import types
from google.protobuf import json_format
from google.protobuf.message import Message

from .errors import Refusal

M = TypeVar("M", bound=Message)

KINDS: dict[str, type[Message]] = {
    "pipelineJobs": types.PipelineJob.pb(),
    "customJobs": types.CustomJob.pb(),
    "models": types.Model.pb(),
    "endpoints": types.Endpoint.pb(),
}


class FolderInUse(Exception):
    """Another emulator has the folder."""


def kind_of(name: str) -> str:
    """The kind of a resource, such as "pipelineJobs", from its name."""
    return name.split("/")[-2]


class Store:
    """Resources by their names; all are given out and taken in as copies.

    Args:
        folder: Where their files lie.

    Raises:
        FolderInUse: When another emulator, of this process or another, has the folder.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.locked = (folder / "lock").open("w")
        try:
            # Held until `close` or the end of the process, however it ends.
            fcntl.flock(self.locked, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self.locked.close()
            raise FolderInUse(f"Another Vertex AI emulator is using {folder}") from None
        self.lock = threading.RLock()  # for what takes several steps
        self._resources: dict[str, Message] = {}
        for path in sorted((folder / "resources").rglob("*.json")):
            message = KINDS[path.parent.name]()
            json_format.ParseDict(json.loads(path.read_text()), message)
            self._resources[message.name] = message
        for half_written in folder.glob("*.incoming"):
            half_written.unlink()

    def close(self) -> None:
        """Lets others have the folder."""
        self.locked.close()

    def _path(self, name: str) -> Path:
        return self._folder / "resources" / f"{name}.json"

    def _write(self, message: Message) -> None:
        temporary = self._folder / f"{uuid.uuid4().hex}.incoming"
        temporary.write_text(json_format.MessageToJson(message))
        path = self._path(message.name)
        path.parent.mkdir(parents=True, exist_ok=True)
        os.replace(temporary, path)

    def add(self, message: Message) -> None:
        """Keeps a new resource.

        Raises:
            Refusal: ALREADY_EXISTS when there is one of its name.
        """
        with self.lock:
            if message.name in self._resources:
                raise Refusal("ALREADY_EXISTS", f"The resource {message.name} already exists.")
            self._write(message)
            self._resources[message.name] = type(message).FromString(message.SerializeToString())

    def find(self, name: str) -> Message:
        """A resource.

        Raises:
            Refusal: NOT_FOUND when there is none with this name.
        """
        with self.lock:
            try:
                message = self._resources[name]
            except KeyError:
                raise Refusal("NOT_FOUND", f"The resource {name} is not found.") from None
            return type(message).FromString(message.SerializeToString())

    def change(self, name: str, change: Callable[[M], None]) -> M:
        """Lets a function change a resource, in one step for all others.

        Raises:
            Refusal: NOT_FOUND when there is none with this name, or what the function raises.
        """
        with self.lock:
            message = self.find(name)
            change(message)
            if hasattr(message, "update_time"):
                message.update_time.GetCurrentTime()
            self._write(message)
            self._resources[name] = message
            return self.find(name)

    def count(self, name: str) -> int:
        """The next number, from 1, of what is counted under a name; none is given twice."""
        with self.lock:
            path = self._folder / "counts.json"
            counts = json.loads(path.read_text()) if path.exists() else {}
            counts[name] = counts.get(name, 0) + 1
            temporary = self._folder / "counts.incoming"
            temporary.write_text(json.dumps(counts))
            os.replace(temporary, path)
            return counts[name]

    def remove(self, name: str) -> None:
        """Forgets a resource.

        Raises:
            Refusal: NOT_FOUND when there is none with this name.
        """
        with self.lock:
            self.find(name)
            self._path(name).unlink()
            del self._resources[name]

    def of_kind(self, kind: str, parent: str = "") -> list[Message]:
        """All resources of a kind, oldest first.

        Args:
            kind: One of `KINDS`.
            parent: Under what they are, such as projects/1/locations/us-central1; all if empty.
        """
        with self.lock:
            names = [
                name
                for name in self._resources
                if kind_of(name) == kind and name.startswith(f"{parent}/" if parent else "")
            ]
            found = [self.find(name) for name in names]
        return sorted(found, key=lambda message: message.create_time.ToNanoseconds())
