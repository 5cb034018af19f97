"""The process: its ports, what is loaded in the background, and an end without a lost request."""

import asyncio
import signal
import socket
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import uvicorn

from serving.access import Tell
from serving.errors import ServingError
from serving.gateway.gateway import Gateway
from serving.gateway.limits import LIMITS, Limits
from serving.gateway.traffic import Traffic
from serving.gateway.versions import ServedModel, find_wanted
from serving.log.writer import LogWriter
from serving.rest import connection
from serving.rest.app import ROUTES, Routes, make_app
from serving.rpc.service import start_service

_POLL_SECONDS = 1.0
_DRAIN_SECONDS = 30
_CONNECTIONS = 512


@dataclass(frozen=True)
class Options:
    """How models are served.

    Attributes:
        host: address to listen at.
        port: likewise, of HTTP; 0 for a free one.
        grpc_port: likewise, of gRPC; None for no gRPC.
        limits: what clients may ask for.
        routes: paths beside the protocol's.
        token: what clients must bring; None for nothing.
        task: what the models must do; None for anything.
        traffic: how requests are spread that name no version.
        log: folder of the request log; None for none.
        log_percent: of the requests, that are logged.
        log_bytes: that the log may take.
        tell_access: is told a line of JSON for every request; None for nobody.
    """

    host: str = "127.0.0.1"
    port: int = 8501
    grpc_port: int | None = None
    limits: Limits = LIMITS
    routes: Routes = ROUTES
    token: str | None = field(default=None, repr=False)
    task: str | None = None
    traffic: Traffic = field(default_factory=Traffic)
    log: Path | None = None
    log_percent: float = 100.0
    log_bytes: int = 10**9
    tell_access: Tell | None = None


class ModelServer:
    """Serves models, from the moment it is made: then its ports are its own.

    Attributes:
        port: where it listens to HTTP.
        grpc_port: where it listens to gRPC; None where it does not.

    Args:
        models: folders by the names of the models, as `find_wanted` takes them.
        options: how they are served.
        tell: is told what is served.

    Raises:
        ServingError: a port cannot be had, a folder holds no model, or the log cannot be written.
    """

    def __init__(
        self,
        models: Mapping[str, Path],
        options: Options,
        tell: Callable[[str], None] = print,
    ) -> None:
        for name, folder in models.items():
            find_wanted(name, folder)
        self._models = {
            name: ServedModel(name, folder, tell, options.task) for name, folder in models.items()
        }
        self._options = options
        self._failure = ""
        self._ended = threading.Event()
        self._socket = _listen(options.host, options.port, "--port")
        self.port: int = self._socket.getsockname()[1]
        self.grpc_port = options.grpc_port
        if options.grpc_port is not None:  # gRPC binds by itself, and says little where it cannot
            with _listen(options.host, options.grpc_port, "--grpc-port") as free:
                self.grpc_port = free.getsockname()[1]
        self._log = (
            LogWriter(options.log, options.log_percent, options.log_bytes, tell)
            if options.log
            else None
        )
        self._gateway = Gateway(self._models, options.limits, options.traffic, self._log)
        self._uvicorn = uvicorn.Server(
            uvicorn.Config(
                make_app(self._gateway, options.routes, options.token, options.tell_access),
                http=connection.Connection,
                ws="none",
                lifespan="off",
                log_level="error",
                access_log=False,
                server_header=False,
                limit_concurrency=_CONNECTIONS,
                timeout_keep_alive=connection.PATIENCE,
                timeout_graceful_shutdown=_DRAIN_SECONDS,
            )
        )

    def run(self) -> None:
        """Serve until SIGTERM or Ctrl-C, or until `stop`; then answer what it has begun.

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
            asyncio.run(self._serve())
        finally:
            self._ended.set()
            loader.join()
            if self._log:
                self._log.close()
        if self._failure:
            raise ServingError(self._failure)

    def stop(self) -> None:
        """Has `run` end."""
        self._uvicorn.should_exit = True

    async def _serve(self) -> None:
        service = None
        if self.grpc_port is not None:
            address = f"{_bracket(self._options.host)}:{self.grpc_port}"
            options = self._options
            service = await start_service(
                self._gateway, address, options.token, options.tell_access
            )
        await self._uvicorn.serve(sockets=[self._socket])
        if service:
            await service.stop(_DRAIN_SECONDS)

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


def _listen(host: str, port: int, flag: str) -> socket.socket:
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        listening = socket.create_server((host, port), family=family, backlog=1024)
    except OSError as error:
        raise ServingError(
            f"{host}:{port} cannot be listened at ({error.strerror}): end what does, or name "
            f"another with {flag}."
        ) from error
    # asyncio leaves the sockets of such a listener waiting for a full packet.
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listening


def _bracket(host: str) -> str:
    return f"[{host}]" if ":" in host else host
