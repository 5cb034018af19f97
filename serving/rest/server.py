"""The process: a port, what is loaded in the background, and an end without a lost request."""

import asyncio
import signal
import socket
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from serving.errors import ServingError
from serving.rest.app import ROUTES, Api, Routes
from serving.rest.limits import LIMITS, Limits
from serving.rest.versions import ServedModel, find_wanted

_POLL_SECONDS = 1.0
_PATIENCE = 30  # seconds in which a connection must come to something
_DRAIN_SECONDS = 30
_CONNECTIONS = 512


class RestServer:
    """Serves models over HTTP, from the moment it is made: then its port is its own.

    Attributes:
        port: where it listens.

    Args:
        models: folders by the names of the models, as `find_wanted` takes them.
        host: address to listen at.
        port: likewise; 0 for a free one.
        limits: what clients may ask for.
        routes: paths beside the protocol's.
        token: what clients must bring; None for nothing.
        task: what the models must do; None for anything.
        tell: is told what is served.

    Raises:
        ServingError: the port cannot be had, or a folder holds no model.
    """

    def __init__(
        self,
        models: Mapping[str, Path],
        host: str = "127.0.0.1",
        port: int = 8501,
        limits: Limits = LIMITS,
        routes: Routes = ROUTES,
        token: str | None = None,
        task: str | None = None,
        tell: Callable[[str], None] = print,
    ) -> None:
        for name, folder in models.items():
            find_wanted(name, folder)
        self._models = {
            name: ServedModel(name, folder, tell, task) for name, folder in models.items()
        }
        self._failure = ""
        self._ended = threading.Event()
        api = Api(self._models, limits, routes, token)
        self._uvicorn = uvicorn.Server(
            uvicorn.Config(
                api.app,
                http=_Connection,
                ws="none",
                lifespan="off",
                log_level="error",
                access_log=False,
                server_header=False,
                limit_concurrency=_CONNECTIONS,
                timeout_keep_alive=_PATIENCE,
                timeout_graceful_shutdown=_DRAIN_SECONDS,
            )
        )
        try:
            family = socket.AF_INET6 if ":" in host else socket.AF_INET
            self._socket = socket.create_server((host, port), family=family, backlog=1024)
        except OSError as error:
            raise ServingError(
                f"{host}:{port} cannot be listened at ({error.strerror}): end what does, or name "
                "another with --port."
            ) from error
        # asyncio leaves the sockets of such a listener waiting for a full packet.
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.port: int = self._socket.getsockname()[1]

    def run(self) -> None:
        """Serves until SIGTERM or Ctrl-C, or until `stop`; then answers what it has begun.

        Raises:
            ServingError: a model does not load at all.
        """
        loader = threading.Thread(target=self._keep_fresh, daemon=True)
        loader.start()
        if threading.current_thread() is threading.main_thread():
            # uvicorn sends itself again what ended it; by then it has done what it should.
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, lambda *_: None)
        try:
            self._uvicorn.run(sockets=[self._socket])
        finally:
            self._ended.set()
            loader.join()
        if self._failure:
            raise ServingError(self._failure)

    def stop(self) -> None:
        """Has `run` end."""
        self._uvicorn.should_exit = True

    def _keep_fresh(self) -> None:
        for model in self._models.values():
            model.refresh()
            if not model.served.versions:
                self._failure = model.find_failure()
                self.stop()
                return
        while not self._ended.wait(_POLL_SECONDS):
            for model in self._models.values():
                model.refresh()


class _Connection(H11Protocol):
    """Ends when its client sends no whole request, or takes no answer, within some time."""

    _sweep: asyncio.TimerHandle | None = None
    _seen: Any = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._look_later()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        if self._sweep:
            self._sweep.cancel()

    def _look_later(self) -> None:
        self._seen = self.cycle
        self._sweep = self.loop.call_later(_PATIENCE, self._look)

    def _look(self) -> None:
        is_idle = self.cycle is None or self.cycle.response_complete
        if is_idle and self.cycle is self._seen:
            self.transport.abort()
        else:
            self._look_later()
