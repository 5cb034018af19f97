"""Routes: the contents of files, and the LFS objects behind the large ones."""

import hashlib
import os
import re
import shutil
from math import ceil
from pathlib import Path
from typing import Any

from .errors import HubError
from .server import Call, Fields, Reply, Routes, json_reply, no_such_repository
from .store import LFS_OID, Repository

routes = Routes()
_RANGE = re.compile(r"bytes=(\d*)-(\d*)")


@routes.add("GET HEAD", "/{prefix}{id}/resolve/{rev}/{path}")
def resolve(call: Call, prefix: str, repo_id: str, revision: str, path: str) -> Reply:
    kind = prefix.rstrip("/") or "models"
    repository = call.repository(kind, repo_id)
    commit, entry = repository.entry(revision, path)
    if "lfs" not in entry:
        return _content(call, repository.blob(entry), entry["oid"], commit.id)
    link = call.sign("GET", _object_path(repository, entry["lfs"]), commit=commit.id)
    return Reply(
        302,
        headers={
            "Location": link,
            "X-Repo-Commit": commit.id,
            "X-Linked-Etag": f'"{entry["lfs"]}"',
            "X-Linked-Size": str(entry["size"]),
        },
    )


def _content(call: Call, blob: Path, etag: str, commit_id: str) -> Reply:
    """A blob, or the part of it that the Range header asks for."""
    size = blob.stat().st_size
    headers = {
        "Content-Type": "application/octet-stream",
        "Accept-Ranges": "bytes",
        "ETag": f'"{etag}"',
        "X-Repo-Commit": commit_id,
    }
    asked = _RANGE.fullmatch(call.headers.get("Range", ""))
    if not asked or asked[0] == "bytes=-":
        return Reply(200, headers=headers, file=blob, length=size)
    first, last = asked.groups()
    start = int(first) if first else max(size - int(last), 0)
    stop = min(int(last) + 1, size) if first and last else size
    if start >= stop:
        raise HubError(416, "Range not satisfiable", headers={"Content-Range": f"bytes */{size}"})
    headers["Content-Range"] = f"bytes {start}-{stop - 1}/{size}"
    return Reply(206, headers=headers, file=blob, offset=start, length=stop - start)


def _object_path(repository: Repository, oid: str) -> str:
    return f"/lfs-objects/{repository.kind}/{repository.id}/{oid}"


def _signed(call: Call, kind: str, repo_id: str) -> Repository:
    """The repository of a signed link."""
    call.check_signature()
    repository = call.hub.store.find(kind, repo_id)
    if repository is None:
        raise no_such_repository()
    return repository


def check_quota(call: Call, namespace: str, more: int) -> None:
    """Refuses with 403 what would take a namespace over its quota."""
    quota = call.hub.quotas.get(namespace)
    if quota is None:
        return
    used = call.hub.store.used_bytes(namespace)
    if used + more > quota:
        raise HubError(
            403,
            f"Storage limit reached: {namespace} uses {used} of {quota} bytes "
            f"and this needs {more} more",
        )


@routes.add("POST", "/{prefix}{id}.git/info/lfs/objects/batch")
def batch(call: Call, prefix: str, repo_id: str) -> Reply:
    repository = call.repository(prefix.rstrip("/") or "models", repo_id, write=True)
    fields = call.json()
    if fields["operation"] != "upload":
        raise HubError(400, "Objects are downloaded by their files' addresses")
    objects, new_bytes = [], 0
    for item in map(Fields, fields["objects"]):
        oid, size = item["oid"], item["size"]
        if not LFS_OID.fullmatch(oid):
            raise HubError(400, f'"{oid}" is not a SHA-256')
        described: dict[str, Any] = {"oid": oid, "size": size}
        if not repository.has_lfs(oid):
            new_bytes += size
            try:
                check_quota(call, repository.namespace, new_bytes)
                described["actions"] = _upload_actions(call, repository, prefix, oid, size)
            except HubError as error:
                described["error"] = {"code": error.status, "message": error.message}
        objects.append(described)
    return json_reply({"transfer": "basic", "objects": objects})


def _upload_actions(
    call: Call, repository: Repository, prefix: str, oid: str, size: int
) -> dict[str, Any]:
    path, limits = _object_path(repository, oid), call.hub.limits
    verify = f"{call.hub.endpoint}/{prefix}{repository.id}.git/info/lfs/objects/verify"
    if size <= limits.multipart_bytes:
        upload: dict[str, Any] = {"href": call.sign("PUT", path, size=size)}
    else:
        header = {"chunk_size": str(limits.part_bytes)}
        for part in range(1, ceil(size / limits.part_bytes) + 1):
            header[str(part)] = call.sign("PUT", path, part=part)
        upload = {"href": call.sign("POST", path, size=size), "header": header}
    return {"upload": upload, "verify": {"href": verify}}


@routes.add("PUT", "/lfs-objects/{kind}/{id}/{name}")
def put_object(call: Call, kind: str, repo_id: str, oid: str) -> Reply:
    repository = _signed(call, kind, repo_id)
    files = repository.store.files
    if "part" not in call.query:
        files.add_lfs(call.body, oid, int(call.query["size"]))
        repository.mark_lfs(oid)
        return Reply(headers={"ETag": f'"{oid}"'})
    temporary = files.temporary()
    with temporary.open("wb") as target:
        shutil.copyfileobj(call.body, target)
    part = _part(repository, oid, int(call.query["part"]))
    os.replace(temporary, part)
    return Reply(headers={"ETag": _etag(part)})


def _part(repository: Repository, oid: str, number: int) -> Path:
    return repository.store.files.incoming / f"{oid}.{number}"


def _etag(part: Path) -> str:
    with part.open("rb") as file:
        return f'"{hashlib.file_digest(file, "md5").hexdigest()}"'


@routes.add("POST", "/lfs-objects/{kind}/{id}/{name}")
def complete_multipart(call: Call, kind: str, repo_id: str, oid: str) -> Reply:
    repository = _signed(call, kind, repo_id)
    if repository.has_lfs(oid):  # the client asks again when it missed the answer
        return json_reply({})
    files, joined = repository.store.files, repository.store.files.temporary()
    parts = []
    with joined.open("wb") as target:
        for item in map(Fields, call.json()["parts"]):
            part = _part(repository, oid, int(item["partNumber"]))
            if not part.exists() or _etag(part) != item["etag"]:
                raise HubError(400, f"Part {item['partNumber']} of {oid} was not uploaded")
            with part.open("rb") as source:
                shutil.copyfileobj(source, target)
            parts.append(part)
    with joined.open("rb") as source:
        files.add_lfs(source, oid, int(call.query["size"]))
    repository.mark_lfs(oid)
    for path in (joined, *parts):
        path.unlink()
    return json_reply({})


@routes.add("POST", "/{prefix}{id}.git/info/lfs/objects/verify")
def verify(call: Call, prefix: str, repo_id: str) -> Reply:
    repository = call.repository(prefix.rstrip("/") or "models", repo_id, write=True)
    fields = call.json()
    oid = fields["oid"]
    if not repository.has_lfs(oid):
        raise HubError(404, f"The object {oid} was not uploaded")
    if repository.store.files.blob(oid).stat().st_size != fields["size"]:
        raise HubError(422, f"The object {oid} has another size")
    return json_reply({})


@routes.add("GET HEAD", "/lfs-objects/{kind}/{id}/{name}")
def get_object(call: Call, kind: str, repo_id: str, oid: str) -> Reply:
    repository = _signed(call, kind, repo_id)
    # The client follows a redirect that stays on the Hub, so this answer describes the file too.
    return _content(call, repository.store.files.blob(oid), oid, call.query["commit"])
