"""A connection that cannot be held open for nothing."""

import asyncio
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

PATIENCE = 30  # seconds in which a connection must come to something


class Connection(H11Protocol):
    """Ends when its client sends no whole request, or takes no answer, within some time."""

    _sweep: asyncio.TimerHandle | None = None
    _seen: Any = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to look whether anything comes of it."""
        super().connection_made(transport)
        self._look_later()

    def connection_lost(self, exc: Exception | None) -> None:
        """End that."""
        super().connection_lost(exc)
        if self._sweep:
            self._sweep.cancel()

    def _look_later(self) -> None:
        self._seen = self.cycle
        self._sweep = self.loop.call_later(PATIENCE, self._look)

    def _look(self) -> None:
        is_idle = self.cycle is None or self.cycle.response_complete
        if is_idle and self.cycle is self._seen:
            self.transport.abort()
        else:
            self._look_later()
