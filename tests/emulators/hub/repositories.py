"""Routes: who one is, and repositories with their settings, branches, tags and history."""

import json
import re
from collections.abc import Iterable
from itertools import islice
from typing import Any
from urllib.parse import urlencode

from .errors import HubError
from .metadata import SPACE_SDKS, read_metadata, space_readme
from .server import PREFIXES, Call, Fields, Reply, Routes, json_reply
from .spaces import new_space, space_fields
from .storage import lfs_pointer
from .store import Entry

VISIBILITIES = ("public", "private", "protected")
routes = Routes()
_REPO_NAME = re.compile(r"(?!.*(--|\.\.))(?!.*\.git$)[A-Za-z0-9_]([\w.-]{0,94}[A-Za-z0-9_])?", re.A)


@routes.add("GET", "/api/whoami-v2")
def whoami(call: Call) -> Reply:
    identity = call.writer()
    return json_reply(
        {
            "type": "user",
            "id": identity.user,
            "name": identity.user,
            "fullname": identity.user,
            "isPro": False,
            "orgs": [{"type": "org", "name": org} for org in identity.orgs],
            "auth": {"type": "oauth"}
            if identity.oauth
            else {
                "type": "access_token",
                "accessToken": {"displayName": "emulator", "role": identity.role},
            },
        }
    )


@routes.add("POST", "/oauth/token")
def exchange_token(call: Call) -> Reply:
    return json_reply(call.hub.accounts.exchange(call.json(), call.hub.endpoint))


def url_of(call: Call, kind: str, repo_id: str) -> str:
    """The address of a repository's page."""
    return f"{call.hub.endpoint}/{PREFIXES[kind]}{repo_id}"


def _named(call: Call, fields: Fields) -> tuple[str, str]:
    """The kind and the id that a body with name, organization and type means."""
    kind = f"{fields.get('type') or 'model'}s"
    if kind not in PREFIXES:
        raise HubError(400, f'"type" must be one of [{", ".join(PREFIXES)}] without its s')
    return kind, f"{fields.get('organization') or call.writer().user}/{fields['name']}"


@routes.add("POST", "/api/repos/create")
def create(call: Call) -> Reply:
    identity, fields = call.writer(), call.json()
    kind, repo_id = _named(call, fields)
    namespace, name = repo_id.split("/", 1)
    if not _REPO_NAME.fullmatch(name):
        raise HubError(400, f'Invalid repo name: "{name}" - it must match {_REPO_NAME.pattern}')
    if identity.resource is not None:
        # The client then looks whether the repository is there already.
        raise HubError(401, "A trusted publisher's token cannot create repositories")
    if identity.role != "write" or not identity.owns(namespace):
        raise HubError(
            403, f'You don\'t have the rights to create a {kind[:-1]} under "{namespace}"'
        )
    visibility = fields.get("visibility", "public")
    _check_visibility(visibility, kind)
    state: dict[str, Any] = {"visibility": visibility}
    files = {}
    if kind == "spaces":
        if fields.get("sdk") not in SPACE_SDKS:
            raise HubError(400, f'"sdk" must be one of [{", ".join(SPACE_SDKS)}]')
        state["space"] = new_space(fields)
        files["README.md"] = space_readme(name, fields["sdk"])
    url = url_of(call, kind, repo_id)
    with call.hub.store.lock:
        if call.hub.store.find(kind, repo_id):
            message = f"You already created this {kind[:-1]} repo: {repo_id}"
            raise HubError(409, message, fields={"url": url})
        call.hub.store.create(kind, repo_id, identity.user, files, **state)
    return json_reply({"url": url, "name": repo_id, "id": repo_id})


@routes.add("DELETE", "/api/repos/delete")
def delete(call: Call) -> Reply:
    repository = call.repository(*_named(call, call.json()), write=True)
    call.hub.store.delete(repository)
    return json_reply({})


def _check_visibility(visibility: str, kind: str) -> None:
    allowed = VISIBILITIES if kind == "spaces" else VISIBILITIES[:2]
    if visibility not in allowed:
        raise HubError(400, f'"visibility" must be one of [{", ".join(allowed)}]')


@routes.add("PUT", "/api/{kind}/{id}/settings")
def settings(call: Call, kind: str, repo_id: str) -> Reply:
    repository = call.repository(kind, repo_id, write=True, settings=True)
    fields = call.json()
    changes = {name: fields[name] for name in ("visibility", "gated") if name in fields}
    if "visibility" in changes:
        _check_visibility(changes["visibility"], kind)
    repository.change(lambda state: state.update(changes))
    return json_reply(changes)


def lfs_fields(entry: Entry, name: str) -> dict[str, Any]:
    """What listings say of an LFS file; the hash is `oid` in trees, `sha256` in siblings."""
    pointer = lfs_pointer(entry["lfs"], entry["size"])
    return {name: entry["lfs"], "size": entry["size"], "pointerSize": len(pointer)}


def _sibling(path: str, entry: Entry, blobs: bool) -> dict[str, Any]:
    sibling: dict[str, Any] = {"rfilename": path}
    if blobs:
        sibling |= {"size": entry["size"], "blobId": entry["oid"]}
        if "lfs" in entry:
            sibling["lfs"] = lfs_fields(entry, "sha256")
    return sibling


@routes.add("GET", "/api/{kind}/{id}")
def info(call: Call, kind: str, repo_id: str) -> Reply:
    return info_at(call, kind, repo_id, "main")


@routes.add("GET", "/api/{kind}/{id}/revision/{rev}")
def info_at(call: Call, kind: str, repo_id: str, revision: str) -> Reply:
    repository = call.repository(kind, repo_id)
    commit = repository.commit_at(revision)
    blobs = call.query.get("blobs", "").lower() in ("1", "true")
    card = {}
    if "README.md" in commit.tree:
        readme = repository.content(commit.id, "README.md").decode("utf-8", "replace")
        card = read_metadata(readme)
    described = {
        "_id": repo_id,
        "id": repo_id,
        "author": repository.namespace,
        "sha": commit.id,
        "lastModified": commit.date,
        "createdAt": repository.state["createdAt"],
        "private": repository.private,
        "visibility": repository.state["visibility"],
        "gated": repository.state["gated"],
        "disabled": False,
        "downloads": 0,
        "likes": 0,
        "tags": [str(tag) for tag in card.get("tags") or []],
        # Through JSON's text, as YAML has dates and JSON has not.
        "cardData": json.loads(json.dumps(card, default=str)),
        "siblings": [_sibling(*item, blobs) for item in sorted(commit.tree.items())],
        "usedStorage": repository.used_bytes(),
    }
    if kind == "spaces":
        described |= space_fields(repository)
    return json_reply(described)


@routes.add("GET", "/api/{kind}/{id}/refs")
def refs(call: Call, kind: str, repo_id: str) -> Reply:
    state = call.repository(kind, repo_id).state
    described: dict[str, list] = {"converts": [], "pullRequests": []}
    for group, folder in (("branches", "heads"), ("tags", "tags")):
        described[group] = [
            {"name": name, "ref": f"refs/{folder}/{name}", "targetCommit": commit_id}
            for name, commit_id in sorted(state[group].items())
        ]
    return json_reply(described)


@routes.add("POST", "/api/{kind}/{id}/tag/{rev}")
def create_tag(call: Call, kind: str, repo_id: str, revision: str) -> Reply:
    call.repository(kind, repo_id, write=True).add_ref("tags", call.json()["tag"], revision)
    return json_reply({})


@routes.add("DELETE", "/api/{kind}/{id}/tag/{name}")
def delete_tag(call: Call, kind: str, repo_id: str, name: str) -> Reply:
    call.repository(kind, repo_id, write=True).delete_ref("tags", name)
    return json_reply({})


@routes.add("POST", "/api/{kind}/{id}/branch/{name}")
def create_branch(call: Call, kind: str, repo_id: str, name: str) -> Reply:
    repository = call.repository(kind, repo_id, write=True)
    repository.add_ref("branches", name, call.json().get("startingPoint", "main"))
    return json_reply({})


@routes.add("DELETE", "/api/{kind}/{id}/branch/{name}")
def delete_branch(call: Call, kind: str, repo_id: str, name: str) -> Reply:
    repository = call.repository(kind, repo_id, write=True)
    if name == "main":
        raise HubError(403, "The branch main cannot be deleted")
    repository.delete_ref("branches", name)
    return json_reply({})


@routes.add("GET", "/api/{kind}/{id}/commits/{rev}")
def commits(call: Call, kind: str, repo_id: str, revision: str) -> Reply:
    listed = (
        {
            "id": commit.id,
            "title": commit.title,
            "message": commit.message,
            "date": commit.date,
            "authors": [{"user": commit.author}],
        }
        for commit in call.repository(kind, repo_id).history(revision)
    )
    return page_of(call, listed)


def page_of(call: Call, items: Iterable[dict]) -> Reply:
    """One page of a list, with a link to the next where there is one."""
    start, size = int(call.query.get("cursor", 0)), call.hub.limits.page_items
    page = list(islice(items, start, start + size + 1))
    headers = {}
    if len(page) > size:
        query = urlencode({**call.query, "cursor": start + size})
        headers["Link"] = f'<{call.hub.endpoint}{call.path}?{query}>; rel="next"'
    return json_reply(page[:size], headers=headers)
