"""A line of JSON for every request."""

import json
import time
from collections.abc import Callable
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

ID_HEADER = "X-Request-Id"
Tell = Callable[[str], None]


def write_line(**facts: Any) -> str:
    """Return a request's line, with the time in seconds since 1970."""
    return json.dumps({"time": round(time.time(), 3), **facts})


class AccessLog:
    """Tells what was asked, and how it ended; no body and no header that may hold a secret.

    Args:
        app: what answers.
        tell: is told the lines; None for nobody.
    """

    def __init__(self, app: ASGIApp, tell: Tell | None) -> None:
        self._app = app
        self._tell = tell

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer by the application, then tell the line."""
        if self._tell is None or scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()
        facts: dict[str, Any] = {"status": 500, "bytes": 0}

        async def note(message: Message) -> None:
            if message["type"] == "http.response.start":
                facts["status"] = message["status"]
                headers = dict(message["headers"])
                if found := headers.get(ID_HEADER.lower().encode()):
                    facts["id"] = found.decode()
            facts["bytes"] += len(message.get("body", b""))
            await send(message)

        try:
            await self._app(scope, receive, note)
        finally:
            self._tell(
                write_line(
                    client=(scope.get("client") or ("",))[0],
                    method=scope["method"],
                    path=scope["path"][:200],
                    milliseconds=round((time.perf_counter() - began) * 1000, 1),
                    **facts,
                    **scope.get("state", {}).get("access", {}),
                )
            )
