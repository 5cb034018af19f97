"""A server of models in a thread of the tests' process, and what asks it."""

import base64
import json
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx2

if TYPE_CHECKING:
    from serving.model_server import ModelServer


MODEL = "scenes"


class Running:
    """A server that runs.

    Attributes:
        url: where it answers.
        told: what it told.
    """

    def __init__(self, server: "ModelServer", told: list[str]) -> None:
        self.url = f"http://127.0.0.1:{server.port}"
        self.told = told
        self.server = server
        # A client of its own for each request would read all certificates each time.
        self._client = httpx2.Client(base_url=self.url, timeout=60)

    def ask(self, images: Sequence[Any], path: str = f"/v1/models/{MODEL}:predict", **keywords):
        """Asks for predictions; what is no bytes goes into the request as it is."""
        rows = [instance(one) if isinstance(one, bytes) else one for one in images]
        return self.post(json.dumps({"instances": rows}).encode(), path, **keywords)

    def post(self, body: Any, path: str = f"/v1/models/{MODEL}:predict", **keywords):
        return self._client.post(path, content=body, **keywords)

    def get(self, path: str, **keywords):
        return self._client.get(path, **keywords)

    def figure(self, name: str) -> float:
        """One of its metrics."""
        lines = self.get("/metrics").text.splitlines()
        [value] = [line.split()[-1] for line in lines if line.startswith(f"{name} ")]
        return float(value)


def instance(image: bytes) -> dict[str, Any]:
    return {"image_bytes": {"b64": base64.b64encode(image).decode()}}


@contextmanager
def running(folder: Path, name: str = MODEL, **keywords: Any) -> Iterator[Running]:
    from serving.model_server import ModelServer, Options

    told: list[str] = []
    server = ModelServer({name: folder}, Options(port=0, **keywords), told.append)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        started = Running(server, told)
        wait_for(lambda: started.get("/readyz").status_code == 200)
        yield started
    finally:
        server.stop()
        thread.join()


def wait_for(holds: Callable[[], bool]) -> None:
    for _ in range(2400):
        if holds():
            return
        threading.Event().wait(0.05)
    raise AssertionError("it never held")
