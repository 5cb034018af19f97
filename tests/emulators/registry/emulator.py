"""The emulator as tests use it."""

import contextlib
import gzip
import hashlib
import json
from pathlib import Path
from typing import Any, Literal

import requests
from requests import Response

from ..faults import Fault, Request
from ..gcs import GcsEmulator
from . import buildah
from .access import Access
from .server import RegistryServer
from .shim import Shim

HOSTS = "*-docker.pkg.dev"
INDEX = "application/vnd.oci.image.index.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
DOCKER = (
    "application/vnd.docker.distribution.manifest.v2+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
)
EMPTY_TAR = bytes(10240)


def _digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


class RegistryEmulator:
    """Artifact Registry on 127.0.0.1 for buildah, podman, docker and their like.

    Its images are on disk.

    Args:
        folder: Where images, log and what buildah keeps are written.
        gcs: The Cloud Storage beside it, whose accounts, names and certificates it shares.
        region: Where its repositories are.

    Raises:
        ServerMissing: When docker-registry is not installed.
    """

    def __init__(
        self, folder: Path | str, gcs: GcsEmulator, *, region: str = "us-central1"
    ) -> None:
        self.folder = Path(folder)
        self._gcs = gcs
        self.host = f"{region}-docker.pkg.dev"
        self._repositories: set[str] = set()
        self._server = RegistryServer(self.folder)
        access = Access(gcs.accounts, gcs.project, region, self._repositories)
        self._shim = Shim(gcs.authority.server_context(), self._server, access)
        self._store = buildah.store(self.folder)
        self._logins = self.folder / "auth.json"
        self._logins.touch(0o600)
        self._logins.write_text("{}")  # buildah wants it to be there
        self._running = contextlib.ExitStack()

    def __enter__(self) -> "RegistryEmulator":
        self._running.callback(self._server.close)
        self._shim.start()
        self._running.callback(self._shim.close)
        self._gcs.proxy.route(HOSTS, self._shim.address)
        self._running.callback(self._gcs.proxy.close_route, self._shim.address)
        self._running.callback(self._shim.journal.clear_faults)
        return self

    def __exit__(self, *failure: object) -> None:
        self._running.close()

    @property
    def environment(self) -> dict[str, str]:
        """What a child process needs so that images are built here and pushed to this emulator."""
        return {
            **self._gcs.environment,
            **self._store,
            "REGISTRY_AUTH_FILE": str(self._logins),
        }

    @property
    def requests(self) -> list[Request]:
        """All requests so far, in the order in which they came."""
        return self._shim.journal.requests

    def make_repository(self, name: str) -> str:
        """Makes a repository and returns the address under which its images are."""
        self._repositories.add(name)
        return f"{self.host}/{self._gcs.project}/{name}"

    def fault(
        self,
        kind: Literal["answer", "close_before", "close_after"] = "answer",
        *,
        times: int = 1,
        method: str = "*",
        path: str = "*",
        status: int = 503,
    ) -> Fault:
        """Lets something go wrong with the next requests that match.

        Args:
            kind: What goes wrong. "answer": the request is not applied and answered with
                `status`. "close_before" and "close_after": the connection is closed before or
                after the request is applied, without an answer.
            times: How many matching requests are struck.
            method: The method of matching requests.
            path: A pattern of their path, in which `*` stands for anything.
            status: See "answer".
        """
        fault = Fault(method=method, times=times, kind=kind, path=path, status=status)
        self._shim.journal.add_fault(fault)
        return fault

    def digest(self, name: str, tag: str) -> str:
        """The digest of an image; its name is REPOSITORY/IMAGE.

        Raises:
            LookupError: When there is none.
        """
        return self._fetch(name, tag).headers["Docker-Content-Digest"]

    def manifest(self, name: str, reference: str) -> dict[str, Any]:
        """The manifest of a tag or digest."""
        return self._fetch(name, reference).json()

    def config(self, name: str, reference: str) -> dict[str, Any]:
        """The configuration of the image of a tag or digest."""
        digest = self.manifest(name, reference)["config"]["digest"]
        return requests.get(f"{self._url(name)}/blobs/{digest}").json()

    def push_empty(self, name: str, tag: str) -> str:
        """Stores an image without files and returns its digest."""
        layer = gzip.compress(EMPTY_TAR, mtime=0)
        history = {"created_by": "RegistryEmulator.push_empty"}
        config = {
            "architecture": "amd64",
            "os": "linux",
            "rootfs": {"type": "layers", "diff_ids": [_digest(EMPTY_TAR)]},
            "history": [history],
        }
        manifest = {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": self._upload(name, CONFIG, json.dumps(config).encode()),
            "layers": [self._upload(name, LAYER, layer)],
        }
        answer = requests.put(
            f"{self._url(name)}/manifests/{tag}",
            json.dumps(manifest).encode(),
            headers={"Content-Type": MANIFEST},
        )
        answer.raise_for_status()
        return answer.headers["Docker-Content-Digest"]

    def _url(self, name: str) -> str:
        host, port = self._server.address
        return f"http://{host}:{port}/v2/{self._gcs.project}/{name}"

    def _fetch(self, name: str, reference: str) -> Response:
        accept = ", ".join((MANIFEST, INDEX, *DOCKER))
        url = f"{self._url(name)}/manifests/{reference}"
        answer = requests.get(url, headers={"Accept": accept})
        if answer.status_code == 404:
            raise LookupError(f"There is no {reference} of {name}")
        answer.raise_for_status()
        return answer

    def _upload(self, name: str, kind: str, content: bytes) -> dict[str, Any]:
        digest = _digest(content)
        begun = requests.post(f"{self._url(name)}/blobs/uploads/")
        place = requests.compat.urljoin(begun.url, begun.headers["Location"])
        requests.put(f"{place}&digest={digest}", content).raise_for_status()
        return {"mediaType": kind, "digest": digest, "size": len(content)}
