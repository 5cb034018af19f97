"""OSV's interface, of which is asked what vulnerabilities are known of packages."""

import json
from typing import Any

from .googleapis import Authority, ConnectProxy, Handler, HttpServer

HOST = "api.osv.dev"


class _Handler(Handler):
    def do_POST(self) -> None:
        asked = json.loads(self.read_content())["queries"]
        self.owner.asked += [(one["package"]["name"], one["version"]) for one in asked]
        known = [self.owner.known.get(one["package"]["name"]) for one in asked]
        results = [{"vulns": [{"id": one["id"]}]} if one else {} for one in known]
        self.answer(200, json.dumps({"results": results}).encode())

    def do_GET(self) -> None:
        [found] = [one for one in self.owner.known.values() if self.path.endswith(one["id"])]
        self.answer(200, json.dumps(found).encode())


class Osv:
    """A list of vulnerabilities.

    Args:
        authority: Makes it api.osv.dev.
        proxy: Leads there.

    Attributes:
        asked: Name and version of all packages that were asked for.
        known: The vulnerabilities, by package.
    """

    def __init__(self, authority: Authority, proxy: ConnectProxy) -> None:
        self.asked: list[tuple[str, str]] = []
        self.known: dict[str, dict[str, Any]] = {}
        self._proxy = proxy
        self._server = HttpServer(_Handler, self, authority.server_context())

    def __enter__(self) -> "Osv":
        self._server.start()
        self._proxy.route(HOST, self._server.address)
        return self

    def __exit__(self, *failure: object) -> None:
        self._proxy.close_route(self._server.address)
        self._server.close()

    def add(self, vulnerability: str, package: str) -> None:
        """Makes a vulnerability of a package known."""
        self.known[package] = {
            "id": vulnerability,
            "modified": "2026-11-01T00:00:00Z",
            "summary": "A record is read beyond its end.",
            "affected": [{"package": {"ecosystem": "PyPI", "name": package}}],
        }
