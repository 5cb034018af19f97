"""The emulator as tests and its command use it."""

import logging
import threading
from pathlib import Path

from .models import Models, Refusal
from .over_grpc import make_server
from .over_rest import RestServer

_LOG = logging.getLogger(__name__)


class ServingEmulator:
    """A model server on 127.0.0.1; like the real one it answers once it has loaded what it may.

    Args:
        config_file: models.config.
        rest_port: where it answers REST; 0 takes a free port.
        grpc_port: likewise, for gRPC.
        poll_seconds: after which it reads the config again.
        unavailable_labels: as --allow_version_labels_for_unavailable_models.
    """

    def __init__(
        self,
        config_file: Path,
        rest_port: int = 0,
        grpc_port: int = 0,
        poll_seconds: float = 0.1,
        unavailable_labels: bool = True,
    ) -> None:
        self._models = Models(config_file, unavailable_labels)
        self._models.reload()
        self.rest = RestServer(self._models, rest_port)
        self._grpc, grpc_port = make_server(self._models, grpc_port)
        self.url = f"http://127.0.0.1:{self.rest.server_port}"
        self.grpc_url = f"grpc://127.0.0.1:{grpc_port}"
        self.refused: list[str] = []  # configs that were read and not taken
        self._poll_seconds = poll_seconds
        self._ended = threading.Event()
        self._threads = [
            threading.Thread(target=self.rest.serve_forever, args=(0.02,), daemon=True),
            threading.Thread(target=self._poll, daemon=True),
        ]

    def __enter__(self) -> "ServingEmulator":
        self._grpc.start()
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *failure: object) -> None:
        self._ended.set()
        self.rest.shutdown()
        self.rest.server_close()
        self._grpc.stop(grace=None).wait()
        for thread in self._threads:
            thread.join()

    def _poll(self) -> None:
        while not self._ended.wait(self._poll_seconds):
            try:
                self._models.reload()
            except Refusal as refusal:
                self.refused.append(str(refusal))
                _LOG.error("failed to reload config: %s", refusal)
