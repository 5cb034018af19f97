"""S3, or a server that speaks its protocol, asked through s3fs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fsspec.asyn
import s3fs
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError

from stores.address import MANIFESTS, S3Address
from stores.errors import StoreError
from stores.manifest import Entry, Manifest, check_entries, read_manifest

CONNECT_SECONDS = 10.0
READ_SECONDS = 60.0
_CONNECTIONS = 32
_TRIES = 5
_KEYS = "correct S3_ACCESS_KEY_SECRET and S3_SECRET_KEY_SECRET, or what they name"
_HINTS = {
    "NoSuchBucket": "there is no such bucket; correct the address",
    "NoSuchKey": "there is no such object: it was deleted, or the address is wrong",
    "NoSuchVersion": "this version of the object was deleted",
    "InvalidAccessKeyId": f"the access key is not known; {_KEYS}",
    "SignatureDoesNotMatch": f"the secret key is wrong; {_KEYS}",
    "AccessDenied": "the keys may not do this; ask whoever administers the bucket",
    "PreconditionFailed": "the object was changed under its version; restore it, or make a version "
    "of what is there now",
    "InvalidRange": "the object is shorter than it was: it was changed under its version",
    "SlowDown": f"the service is busy, also after {_TRIES} tries; try again later",
    "ServiceUnavailable": f"the service is busy, also after {_TRIES} tries; try again later",
}
_BY_STATUS = {404: "NoSuchKey", 403: "AccessDenied", 412: "PreconditionFailed", 416: "InvalidRange"}
_BY_STATUS |= {429: "SlowDown", 503: "ServiceUnavailable"}


class S3:
    """An S3 service.

    Args:
        endpoint: its address; None is AWS, or what AWS_ENDPOINT_URL_S3 names.
        access_key: its access key id; None lets botocore look where it does by itself.
        secret_key: the secret that belongs to it.
        read_seconds: how long an answer may take.
    """

    def __init__(
        self,
        endpoint: str | None = None,
        access_key: str | None = None,
        secret_key: str | None = None,
        *,
        read_seconds: float = READ_SECONDS,
    ) -> None:
        self._files = s3fs.S3FileSystem(
            key=access_key,
            secret=secret_key,
            endpoint_url=endpoint,
            # An instance of another user's keys, or of a server that is gone, is not taken.
            skip_instance_cache=True,
            use_listings_cache=False,
            config_kwargs={
                "connect_timeout": CONNECT_SECONDS,
                "read_timeout": read_seconds,
                "max_pool_connections": _CONNECTIONS,
                "retries": {"mode": "standard", "max_attempts": _TRIES},
                # Servers other than AWS's refuse the checksums of newer clients.
                "request_checksum_calculation": "when_required",
                "response_checksum_validation": "when_required",
            },
        )
        # botocore has tried as often as that already.
        self._files.retries = 1

    def _ask(self, what: str, method: str, **fields: Any) -> dict[str, Any]:
        """Call a method of S3; the body of an answer is bytes."""
        try:
            return fsspec.asyn.sync(self._files.loop, self._call, method, fields)
        except (OSError, ClientError, BotoCoreError, fsspec.FSTimeoutError) as error:
            raise _in_words(what, error) from None

    async def _call(self, method: str, fields: dict[str, Any]) -> dict[str, Any]:
        answer = await self._files._call_s3(method, **fields)
        if "Body" in answer:
            async with answer["Body"] as body:
                answer["Body"] = await body.read()
        return answer

    def is_versioned(self, bucket: str) -> bool:
        """Tell whether a bucket keeps what is overwritten."""
        answer = self._ask(f"look at s3://{bucket}", "get_bucket_versioning", Bucket=bucket)
        return answer.get("Status") == "Enabled"

    def entries(self, address: S3Address, versioned: bool) -> tuple[Entry, ...]:
        """List what is below a prefix now.

        Raises:
            StoreError: there is nothing, or some objects cannot be files of one folder.
        """
        listed = self._list_versions(address) if versioned else self._list(address)
        entries = [
            Entry(
                path=found["Key"][len(address.prefix) :],
                size=found["Size"],
                etag=found["ETag"].strip('"'),
                version=found.get("VersionId"),
            )
            for found in listed
            if not found["Key"].startswith(f"{MANIFESTS}/")
        ]
        return check_entries(entries, str(address))

    def _list(self, address: S3Address) -> Iterator[dict[str, Any]]:
        fields = {"Bucket": address.bucket, "Prefix": address.prefix}
        while True:
            page = self._ask(f"list {address}", "list_objects_v2", **fields)
            yield from page.get("Contents", [])
            if not page.get("IsTruncated"):
                return
            fields["ContinuationToken"] = page["NextContinuationToken"]

    def _list_versions(self, address: S3Address) -> Iterator[dict[str, Any]]:
        fields = {"Bucket": address.bucket, "Prefix": address.prefix}
        while True:
            page = self._ask(f"list {address}", "list_object_versions", **fields)
            yield from (found for found in page.get("Versions", []) if found["IsLatest"])
            if not page.get("IsTruncated"):
                return
            fields["KeyMarker"] = page["NextKeyMarker"]
            fields["VersionIdMarker"] = page.get("NextVersionIdMarker", "")

    def read(self, address: S3Address, entry: Entry, start: int, size: int) -> bytes:
        """Read bytes of an object below a prefix, as its entry has it.

        Raises:
            StoreError: it cannot be read, or is another one by now.
        """
        fields = {"VersionId": entry.version} if entry.version else {"IfMatch": f'"{entry.etag}"'}
        if size and not (start == 0 and size == entry.size):
            fields["Range"] = f"bytes={start}-{start + size - 1}"
        answer = self._ask(
            f"read {entry.path} of {address}",
            "get_object",
            Bucket=address.bucket,
            Key=address.prefix + entry.path,
            **fields,
        )
        return answer["Body"]

    def read_manifest(self, address: S3Address) -> Manifest:
        """Read the manifest that an address names.

        Raises:
            StoreError: it cannot be read, or is not what its name says.
        """
        answer = self._ask(f"read {address}", "get_object", Bucket=address.bucket, Key=address.key)
        manifest = read_manifest(answer["Body"], str(address))
        if manifest.id != address.manifest_id:
            raise StoreError(
                f"{address} was changed since it was made, and names no version any more; restore "
                "it, or make a version of what is there now."
            )
        return manifest

    def write_manifest(self, address: S3Address, manifest: Manifest) -> S3Address:
        """Keep a manifest in its bucket; return its address."""
        target = address.manifest(manifest.id)
        self._put(target, manifest.to_bytes())
        return target

    def upload(self, address: S3Address, path: str, file: Path) -> None:
        """Write a file below a prefix; what is large travels in parts."""
        what = f"write {path} to {address}"
        try:
            self._files.put_file(str(file), f"{address.bucket}/{address.prefix}{path}")
        except (OSError, ClientError, BotoCoreError, fsspec.FSTimeoutError) as error:
            raise _in_words(what, error) from None

    def delete(self, address: S3Address, path: str) -> None:
        """Remove an object below a prefix."""
        key = address.prefix + path
        self._ask(f"remove {path} of {address}", "delete_object", Bucket=address.bucket, Key=key)

    def _put(self, address: S3Address, content: bytes) -> None:
        self._ask(
            f"write {address}", "put_object", Bucket=address.bucket, Key=address.key, Body=content
        )


def _in_words(what: str, error: Exception) -> StoreError:
    cause: Any = error
    while not isinstance(cause, ClientError) and cause.__cause__ is not None:
        cause = cause.__cause__
    if isinstance(cause, ClientError):
        status = cause.response.get("ResponseMetadata", {}).get("HTTPStatusCode")
        code = str(cause.response.get("Error", {}).get("Code", ""))
        hint = _HINTS.get(code) or _HINTS.get(_BY_STATUS.get(status or 0, ""), "see its log")
        said = code if code and not code.isdigit() else f"answer {status}"
        return StoreError(f"S3 refuses to {what}: {said}; {hint}.", status)
    if isinstance(cause, NoCredentialsError):
        return StoreError(f"S3 asks for keys, to {what}, and none are set; {_KEYS}.")
    if isinstance(cause, FileNotFoundError) and cause.filename:
        return StoreError(f"{cause.filename} is not there, to {what}.")
    return StoreError(
        f"S3 cannot be reached, or does not answer, to {what} ({type(cause).__name__}); correct "
        "S3_ENDPOINT, or look whether it runs."
    )
