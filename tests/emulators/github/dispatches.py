"""What api.github.com keeps of the runs of a workflow, and which dispatches begin."""

import json
import re
from typing import Any
from urllib.parse import parse_qs, urlsplit

from ..googleapis import Handler, HttpServer


class _Handler(Handler):
    def _answer(self) -> None:
        content = self.read_content()
        if self.headers.get("Authorization") != f"Bearer {self.owner.token}":
            status, answer = 401, {"message": "Bad credentials"}
        else:
            status, answer = self.owner.answer(self.command, self.path, content)
        self.answer(status, json.dumps(answer).encode() if answer else b"")

    do_GET = do_POST = _answer


class Dispatches:
    """The runs of one repository.

    Args:
        repository: OWNER/NAME.
        token: Of the run that asks.

    Attributes:
        runs: As GitHub lists them; a dispatch adds one.
        told: The dispatches, in their order.
    """

    def __init__(self, repository: str, token: str) -> None:
        self.token = token
        self.runs: list[dict[str, Any]] = []
        self.told: list[dict[str, Any]] = []
        self._path = f"/repos/{repository}"
        self._server = HttpServer(_Handler, self)
        self.url = self._server.url

    def __enter__(self) -> "Dispatches":
        self._server.start()
        return self

    def __exit__(self, *failure: object) -> None:
        self._server.close()

    def answer(self, method: str, target: str, content: bytes) -> tuple[int, Any]:
        """What is answered to a request: status and JSON."""
        address = urlsplit(target)
        path = address.path.removeprefix(self._path)
        if method == "GET" and (found := re.fullmatch(r"/actions/workflows/([^/]+)/runs", path)):
            [event] = parse_qs(address.query).get("event", [None])
            listed = [
                run
                for run in self.runs
                if run["path"].endswith(f"/{found[1]}") and event in (None, run["event"])
            ]
            return 200, {"total_count": len(listed), "workflow_runs": listed}
        if (method, path) == ("POST", "/dispatches"):
            told = json.loads(content)
            if told.keys() - {"event_type", "client_payload"} or "event_type" not in told:
                return 422, {"message": "Invalid request."}
            self.told.append(told)
            self.add("repository_dispatch", "queued")
            return 204, None
        return 404, {"message": "Not Found"}

    def add(self, event: str, status: str) -> int:
        """Adds a run of train.yml; returns its number."""
        number = 1000 + len(self.runs)
        path = ".github/workflows/train.yml"
        self.runs.append({"id": number, "event": event, "status": status, "path": path})
        return number
