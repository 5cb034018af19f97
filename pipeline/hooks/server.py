"""Receives webhooks over HTTP, answers at once, and leaves the work to the queue."""

from __future__ import annotations

import json
import sqlite3
import time
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from pipeline.hooks.errors import HookError
from pipeline.hooks.messages import Work, read_alerts, read_lakefs, read_mlflow, read_s3
from pipeline.hooks.queue import Queue
from pipeline.recipe import Recipe
from serving.gateway.tokens import is_token
from stores.address import Address, LakeFSAddress, S3Address

MOST_BYTES = 1_000_000
_LISTED = 20
_PATIENCE = 10.0  # s for a sender to finish a request


@dataclass(frozen=True)
class Rules:
    """What is received, and from whom.

    Attributes:
        secret: that MLflow signs with, and that the others send as a bearer token.
        recipe: which names the registered model, and says what follows an alert.
        watched: data that are trained on when they change; None for none.
    """

    secret: str
    recipe: Recipe
    watched: Address | None


class HookServer(ThreadingHTTPServer):
    """Serves `/lakefs`, `/s3`, `/mlflow` and `/alertmanager`, and the newest entries as `/`.

    Args:
        address: host and port.
        rules: what is received.
        queue: where work goes.
    """

    daemon_threads = True

    def __init__(self, address: tuple[str, int], rules: Rules, queue: Queue) -> None:
        super().__init__(address, _Handler)
        self.rules, self.queue = rules, queue

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Nothing is printed of a sender who went away."""


class _Handler(BaseHTTPRequestHandler):
    server: HookServer
    timeout = _PATIENCE
    server_version, sys_version = "visionpipe-hooks", ""

    def do_GET(self) -> None:
        try:
            if self.path != "/":
                raise HookError("There is nothing here.", HTTPStatus.NOT_FOUND)
            self._require_token()
            self._answer({"work": [asdict(entry) for entry in self.server.queue.newest(_LISTED)]})
        except HookError as error:
            self._answer({"error": str(error)}, error.status)

    def do_POST(self) -> None:
        try:
            work = self._read(self._body())
            added = work is not None and self.server.queue.add(work, time.time())
        except HookError as error:
            self._answer({"error": str(error)}, error.status)
        except sqlite3.Error as error:
            told = f"The work cannot be kept, send it again later: {error}."
            self._answer({"error": told}, HTTPStatus.SERVICE_UNAVAILABLE)
        else:
            if added:
                self._answer({"status": "queued"}, HTTPStatus.ACCEPTED)
            else:
                self._answer({"status": "known" if work else "ignored, it is of something else"})

    def _read(self, body: bytes) -> Work | None:
        rules, now = self.server.rules, datetime.now(UTC)
        if self.path == "/mlflow":
            headers = {name: self.headers[name] for name in self.headers}
            return read_mlflow(body, headers, rules.secret, rules.recipe.name, now)
        if self.path not in ("/lakefs", "/s3", "/alertmanager"):
            raise HookError("There is nothing here.", HTTPStatus.NOT_FOUND)
        self._require_token()
        if self.path == "/lakefs" and isinstance(rules.watched, LakeFSAddress):
            return read_lakefs(body, rules.watched, now)
        if self.path == "/s3" and isinstance(rules.watched, S3Address):
            return read_s3(body, rules.watched, now)
        if self.path == "/alertmanager":
            return read_alerts(body, rules.recipe.on_alert, rules.recipe.name, rules.watched)
        return None

    def _require_token(self) -> None:
        if not is_token(self.headers.get("Authorization", ""), self.server.rules.secret):
            raise HookError("The token is missing or wrong.", HTTPStatus.UNAUTHORIZED)

    def _body(self) -> bytes:
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal() or len(length) > 12:
            raise HookError("The request does not say its length.", HTTPStatus.LENGTH_REQUIRED)
        if int(length) > MOST_BYTES:
            raise HookError(
                f"The message is over {MOST_BYTES} bytes.", HTTPStatus.REQUEST_ENTITY_TOO_LARGE
            )
        return self.rfile.read(int(length))

    def _answer(self, told: dict[str, Any], status: HTTPStatus = HTTPStatus.OK) -> None:
        body = json.dumps(told).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)
        self.close_connection = True

    def log_message(self, *_: Any) -> None:
        """Nothing of a request is logged: what is done is."""
