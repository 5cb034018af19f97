"""The emulator as tests use it."""

import base64
import hashlib
import time
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from botocore.exceptions import ClientError

from ..faults import Fault
from ..http_service import Reply, Sent, Service
from . import branches, objects, repositories
from .errors import LakeFSError
from .server import Call, Routes, answer, refusal
from .store import Entry, Store
from .trees import apply, history

if TYPE_CHECKING:
    from ..s3 import S3Client

ACCESS_KEY = "AKIAIOSFOLQUICKTESTS"
SECRET_KEY = "secret-of-lakefs-in-tests"


class LakeFSEmulator(Service):
    """A lakeFS on 127.0.0.1 whose state is a folder, and whose objects are in an S3 server.

    Args:
        folder: The state; made when absent, gone on with when there.
        s3: Where the objects lie.
        port: Where to listen; 0 takes a free port.

    Attributes:
        page_items: The most items of a page, 1,000 as lakeFS has it.
        user: Who commits.

    Raises:
        OSError: When the port is taken.
    """

    routes = Routes([*repositories.routes, *branches.routes, *objects.routes])

    def __init__(self, folder: Path, s3: "S3Client", port: int = 0) -> None:
        super().__init__(port)
        self.store = Store(folder)
        self.s3 = s3
        self.page_items = 1000
        self.user = "tests"
        self._hooks: dict[tuple[str, str], str] = {}
        self._expected = f"{ACCESS_KEY}:{SECRET_KEY}".encode()

    def __exit__(self, *failure: object) -> None:
        super().__exit__(*failure)
        self.store.close()

    @property
    def environment(self) -> dict[str, str]:
        """What a program finds it by, as lakeFS's own command line does."""
        return {
            "LAKECTL_SERVER_ENDPOINT_URL": self.endpoint,
            "LAKECTL_CREDENTIALS_ACCESS_KEY_ID": ACCESS_KEY,
            "LAKECTL_CREDENTIALS_SECRET_ACCESS_KEY": SECRET_KEY,
        }

    def answer(self, sent: Sent) -> Reply:
        """Answers a request."""
        return answer(Call(self, sent), self.routes)

    def refuse(self, fault: Fault) -> Reply:
        """Answers a request that an "answer" fault struck."""
        return refusal(fault.status, "The emulator was told to fail", dict(fault.headers))

    def authenticate(self, authorization: str | None) -> None:
        """Refuses who has not the keys."""
        kind, _, given = (authorization or "").partition(" ")
        try:
            right = kind == "Basic" and base64.b64decode(given) == self._expected
        except ValueError:
            right = False
        if not right:
            raise LakeFSError(401, "error authenticating request")

    def repository(self, name: str) -> dict[str, Any]:
        """What is known of a repository; 404 where there is none, 410 while it is deleted."""
        value = self.store.repository(name)
        if value["deleting"]:
            raise LakeFSError(410, "repository in deletion")
        return value

    def run_hooks(self, event: str, branch: str) -> None:
        """Refuses what a hook refuses."""
        if why := self._hooks.get((event, branch)):
            run = uuid.uuid4().hex
            raise LakeFSError(412, f"{event} hook aborted, run id '{run}': 1 error occurred: {why}")

    def bucket_of(self, address: str) -> tuple[str, str]:
        """Bucket and key of an s3:// address; 400 where it is none or there is no bucket."""
        parts = urlsplit(address)
        if parts.scheme != "s3" or not parts.netloc:
            raise LakeFSError(400, f"{address}: invalid address")
        try:
            self.s3.client.head_bucket(Bucket=parts.netloc)
        except ClientError as error:
            raise LakeFSError(400, f"failed to access storage: {error}") from None
        return parts.netloc, parts.path.lstrip("/")

    def write_object(
        self, repository: str, body: bytes, content_type: str, metadata: dict[str, str]
    ) -> Entry:
        """Writes bytes below the repository's namespace, under a name of their own."""
        namespace = urlsplit(self.repository(repository)["storage_namespace"])
        key = f"{namespace.path.strip('/')}/data/{uuid.uuid4().hex}".lstrip("/")
        self.s3.put(namespace.netloc, key, body)
        return {
            "address": f"s3://{namespace.netloc}/{key}",
            "size": len(body),
            "checksum": hashlib.md5(body).hexdigest(),
            "mtime": int(time.time()),
            "metadata": metadata,
            "content_type": content_type,
        }

    def read_object(self, entry: Entry) -> bytes:
        """Reads an object's bytes; 410 where they are gone."""
        place = urlsplit(entry["address"])
        try:
            return self.s3.read(place.netloc, place.path.lstrip("/"))
        except ClientError as error:
            if error.response["Error"]["Code"] == "NoSuchKey":
                raise LakeFSError(410, "No data") from None
            raise

    def find_sources(self, paths: list[Any]) -> dict[str, Entry]:
        """Finds the objects of an import; they stay where they are."""
        found = {}
        for source in paths:
            bucket, prefix = self.bucket_of(source.path)
            pages = self.s3.client.get_paginator("list_objects_v2")
            for page in pages.paginate(Bucket=bucket, Prefix=prefix):
                for item in page.get("Contents", []):
                    one = source.type == "object"
                    if one and item["Key"] != prefix:
                        continue
                    rest = item["Key"][len(prefix) :]
                    found[source.destination if one else source.destination + rest] = {
                        "address": f"s3://{bucket}/{item['Key']}",
                        "size": item["Size"],
                        "checksum": item["ETag"].strip('"'),
                        "mtime": int(item["LastModified"].timestamp()),
                        "metadata": {},
                        "content_type": "application/octet-stream",
                    }
        if not found:
            raise LakeFSError(404, "import: no objects found")
        return found

    # What follows is for tests: to bring about what takes a user interface, and to look.

    def protect(self, repository: str, pattern: str) -> None:
        """Protects the branches of a pattern."""
        with self.store.changing():
            value = self.store.repository(repository)
            value["protected"].append(pattern)
            self.store.write_repository(value)

    def hook(self, event: str, branch: str, why: str | None) -> None:
        """Lets a hook refuse an event, pre-commit or pre-merge, on a branch; None ends that."""
        self._hooks.pop((event, branch), None)
        if why:
            self._hooks[event, branch] = why

    def begin_deletion(self, repository: str) -> None:
        """Makes a repository be in deletion."""
        with self.store.changing():
            self.store.write_repository({**self.store.repository(repository), "deleting": True})

    def add_old_tag(self, repository: str, name: str, commit_id: str) -> None:
        """Makes a tag as servers did that did not look whether a branch is named so."""
        with self.store.changing():
            self.store.point("tags", repository, name, commit_id)

    def branches(self, repository: str) -> dict[str, str]:
        """The commit of each branch."""
        with self.store.changing():
            return self.store.names("branches", repository)

    def tags(self, repository: str) -> dict[str, str]:
        """The commit of each tag."""
        with self.store.changing():
            return self.store.names("tags", repository)

    def commits(self, repository: str, branch: str = "main") -> list[dict[str, Any]]:
        """The commits of a branch, newest first."""
        with self.store.changing():
            return list(history(self.store, repository, self.branches(repository)[branch]))

    def entries(self, repository: str, branch: str = "main") -> dict[str, Entry]:
        """The committed objects of a branch."""
        with self.store.changing():
            commit = self.branches(repository)[branch]
            return apply(self.store.tree_of(repository, commit), {})

    def content(self, repository: str, branch: str = "main") -> dict[str, bytes]:
        """The bytes of the committed objects of a branch."""
        found = self.entries(repository, branch)
        return {path: self.read_object(entry) for path, entry in found.items()}
