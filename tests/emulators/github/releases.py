"""Releases of a repository, as api.github.com and uploads.github.com keep them."""

import itertools
import json
import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

from ..googleapis import Authority, ConnectProxy, Handler, HttpServer

API, UPLOADS = "api.github.com", "uploads.github.com"


@dataclass
class Release:
    """A release.

    Args:
        tag: Of what it is.
        draft: Whether it is not yet to be seen.
        told: What it was made with.
        files: By name.
    """

    tag: str
    draft: bool
    told: dict[str, Any]
    files: dict[str, bytes] = field(default_factory=dict)


class _Handler(Handler):
    def _answer(self) -> None:
        content = self.read_content()
        if self.headers.get("Authorization") not in (
            f"token {self.owner.token}",
            f"Bearer {self.owner.token}",
        ):
            status, answer = 401, {"message": "Bad credentials"}
        else:
            status, answer = self.owner.answer(self.command, self.path, content)
        self.answer(status, b"" if self.command == "HEAD" else json.dumps(answer).encode())

    do_GET = do_HEAD = do_POST = do_PATCH = do_DELETE = _answer


class Releases:
    """The releases of one repository, for the command `gh`.

    Args:
        repository: OWNER/NAME.
        tags: That are there.
        token: Of the run that may make them.
        authority: Makes it GitHub's hosts.
        proxy: Leads there.
    """

    def __init__(
        self,
        repository: str,
        tags: list[str],
        token: str,
        authority: Authority,
        proxy: ConnectProxy,
    ) -> None:
        self.token = token
        self.made: dict[int, Release] = {}
        self.asked: list[str] = []
        self._path = f"/repos/{repository}"
        self._tags = tags
        self._numbers = itertools.count(1)
        self._proxy = proxy
        self._server = HttpServer(_Handler, self, authority.server_context())
        for host in (API, UPLOADS):
            proxy.route(host, self._server.address)

    def __enter__(self) -> "Releases":
        self._server.start()
        return self

    def __exit__(self, *failure: object) -> None:
        self._proxy.close_route(self._server.address)
        self._server.close()

    def answer(self, method: str, target: str, content: bytes) -> tuple[int, Any]:
        """What is answered to a request: status and JSON."""
        address = urlsplit(target)
        self.asked.append(f"{method} {address.path}")
        path = address.path.removeprefix(self._path)
        if address.path == "/graphql":
            return self._graphql(json.loads(content))
        if (method, path) == ("POST", "/releases"):
            told = json.loads(content)
            number = next(self._numbers)
            self.made[number] = Release(told["tag_name"], told.get("draft", False), told)
            return 201, self._shown(number)
        if found := re.fullmatch(r"/releases/tags/(.+)", path):
            for number, release in self.made.items():
                if release.tag == found[1] and not release.draft:
                    return 200, self._shown(number)
            return 404, {"message": "Not Found"}
        if found := re.fullmatch(r"/git/refs?/tags/(.+)", path):
            known = found[1] in self._tags
            return (
                (200, {"ref": f"refs/tags/{found[1]}"})
                if known
                else (404, {"message": "Not Found"})
            )
        if found := re.fullmatch(r"/releases/(\d+)/assets", path):
            [name] = parse_qs(address.query)["name"]
            self.made[int(found[1])].files[name] = content
            return 201, {"name": name, "state": "uploaded", "size": len(content)}
        if found := re.fullmatch(r"/releases/(\d+)", path):
            release = self.made[int(found[1])]
            release.draft = json.loads(content).get("draft", release.draft)
            return 200, self._shown(int(found[1]))
        return 404, {"message": "Not Found"}

    def _graphql(self, question: dict[str, Any]) -> tuple[int, Any]:
        variables = question["variables"]
        known = variables.get("tagName", "").removeprefix("refs/tags/") in self._tags
        return 200, {"data": {"repository": {"ref": {"id": "1"} if known else None}}}

    def _shown(self, number: int) -> dict[str, Any]:
        release = self.made[number]
        return {
            "id": number,
            "tag_name": release.tag,
            "draft": release.draft,
            "url": f"https://{API}{self._path}/releases/{number}",
            "html_url": f"https://github.com{self._path.removeprefix('/repos')}/releases/{release.tag}",
            "upload_url": f"https://{UPLOADS}{self._path}/releases/{number}/assets{{?name,label}}",
            "assets": [],
        }
