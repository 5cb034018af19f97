"""Where data with versions are: `lakefs://REPOSITORY/REF/PATH` and `s3://BUCKET/PREFIX`.

An address is fixed where what it names cannot change: one of lakeFS whose reference is a whole
commit id, one of S3 that names a manifest. A fixed address is the id that travels with a model.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, replace

from stores.errors import StoreError

MANIFESTS = ".manifests"  # folder of a bucket, and of a repository

_REPOSITORY = re.compile(r"[a-z0-9][a-z0-9-]{2,62}")
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_REF = re.compile(r"[^\s/?#]+")
_COMMIT = re.compile(r"[0-9a-f]{64}")
_MANIFEST = re.compile(rf"{re.escape(MANIFESTS)}/([0-9a-f]{{64}})\.json")
_FORMS = "lakefs://REPOSITORY/REF/PATH or s3://BUCKET/PREFIX"


@dataclass(frozen=True)
class LakeFSAddress:
    """A path at a reference of a lakeFS repository.

    Attributes:
        repository: its name.
        ref: a branch, a tag or a commit id.
        path: of the folder, without a slash at either end; empty for all.
    """

    repository: str
    ref: str
    path: str = ""

    def __str__(self) -> str:
        return "/".join(part for part in ("lakefs:/", self.repository, self.ref, self.path) if part)

    @property
    def fixed(self) -> bool:
        """Whether what it names cannot change."""
        return bool(_COMMIT.fullmatch(self.ref))

    @property
    def prefix(self) -> str:
        """What the paths of all its objects begin with."""
        return f"{self.path}/" if self.path else ""

    @property
    def manifest_path(self) -> str:
        """The path, in the repository, of the digests of its objects."""
        return f"{MANIFESTS}/{self.path or 'all'}.json"

    def at(self, ref: str) -> LakeFSAddress:
        """Return the same path at another reference."""
        return replace(self, ref=ref)

    @property
    def folder_name(self) -> str:
        """The name of its local copy."""
        return _name_folder(self.repository, self.ref, str(self))


@dataclass(frozen=True)
class S3Address:
    """A prefix of a bucket, or a manifest of what was below one.

    Attributes:
        bucket: its name.
        key: the prefix without a slash at either end, or the manifest's key.
    """

    bucket: str
    key: str = ""

    def __str__(self) -> str:
        return "/".join(part for part in ("s3:/", self.bucket, self.key) if part)

    @property
    def fixed(self) -> bool:
        """Whether what it names cannot change."""
        return bool(_MANIFEST.fullmatch(self.key))

    @property
    def manifest_id(self) -> str:
        """The digest of the manifest that it names.

        Raises:
            StoreError: it names none.
        """
        match = _MANIFEST.fullmatch(self.key)
        if match is None:
            raise StoreError(f"{self} names no manifest.")
        return match[1]

    @property
    def prefix(self) -> str:
        """What the keys of all its objects begin with."""
        return f"{self.key}/" if self.key else ""

    def manifest(self, manifest_id: str) -> S3Address:
        """Return the address of a manifest in the same bucket."""
        return replace(self, key=f"{MANIFESTS}/{manifest_id}.json")

    @property
    def folder_name(self) -> str:
        """The name of its local copy."""
        return _name_folder(self.bucket, self.manifest_id, str(self))


Address = LakeFSAddress | S3Address


def parse(text: str) -> Address:
    """Read an address.

    Raises:
        StoreError: it is none, or holds what may be a secret; that is not repeated.
    """
    scheme, found, rest = text.strip().partition("://")
    if not found or scheme not in ("lakefs", "s3"):
        given = "" if "@" in text else f" {text}"
        raise StoreError(f"The address{given} is not of the form {_FORMS}.")
    if "@" in rest.partition("/")[0]:
        raise StoreError(
            f"The address {scheme}://… has a user name or a password in it, which would end in "
            "logs and metadata: give the keys in variables, and the address without them."
        )
    if "?" in rest or "#" in rest:
        raise StoreError(
            f"The address {scheme}://… goes on with a query, which may be a signature: name the "
            f"place alone, as {_FORMS}."
        )
    address = _parse_lakefs(rest) if scheme == "lakefs" else _parse_s3(rest)
    path = address.path if isinstance(address, LakeFSAddress) else address.key
    if fault := find_fault(path):
        raise StoreError(f"The path in {address} {fault}; correct the address.")
    return address


def _parse_lakefs(rest: str) -> LakeFSAddress:
    repository, _, beyond = rest.partition("/")
    ref, _, path = beyond.partition("/")
    if not _REPOSITORY.fullmatch(repository):
        raise StoreError(
            f"{repository!r} in the address is no name of a lakeFS repository, which has 3 to 63 "
            "of a-z, 0-9 and -."
        )
    if not _REF.fullmatch(ref):
        raise StoreError(
            f"lakefs://{rest} names no branch, tag or commit; write lakefs://{repository}/main/…"
        )
    return LakeFSAddress(repository, ref, path.rstrip("/"))


def _parse_s3(rest: str) -> S3Address:
    bucket, _, key = rest.partition("/")
    if not _BUCKET.fullmatch(bucket):
        raise StoreError(
            f"{bucket!r} in the address is no name of a bucket, which has 3 to 63 of a-z, 0-9, . "
            "and -."
        )
    return S3Address(bucket, key.rstrip("/"))


def find_fault(path: str) -> str:
    """Say why a path cannot be one below a folder; empty where it can."""
    parts = path.split("/") if path else []
    if path.startswith("/"):
        return "is absolute"
    if ".." in parts or "." in parts:
        return "leads out of its folder, or to itself"
    if "" in parts:
        return "has two slashes in a row"
    if "\\" in path or any(ord(character) < 32 or ord(character) == 127 for character in path):
        return "has a backslash or a control character"
    if any(len(part.encode(errors="surrogateescape")) > 255 for part in parts):
        return "has a name of over 255 bytes"
    return ""


def _name_folder(host: str, version: str, address: str) -> str:
    return f"{host}-{version[:12]}-{hashlib.sha256(address.encode()).hexdigest()[:12]}"
