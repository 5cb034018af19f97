"""The REST side, after TensorFlow Serving's http_rest_api_handler and json_tensor."""

import base64
import json
import re
from collections import deque
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import grpc
import numpy as np

from .models import Models, Refusal, predict

_PATH = re.compile(
    r"/v1/models/([^/:]+)(?:/versions/(\d+)|/labels/([^/:]+))?(:predict|/metadata)?$"
)
_STATUSES = {
    grpc.StatusCode.INVALID_ARGUMENT: 400,
    grpc.StatusCode.NOT_FOUND: 404,
    grpc.StatusCode.INTERNAL: 500,
}


class RestServer(ThreadingHTTPServer):
    """Answers on 127.0.0.1.

    `faults` holds what the next predictions are answered instead: a status, headers and a message.
    """

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, models: Models, port: int) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.models = models
        self.faults: deque[tuple[int, dict[str, str], str]] = deque()
        self.predictions = 0


class _Handler(BaseHTTPRequestHandler):
    server: RestServer
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # headers and body leave together, or the client waits for the second packet

    def do_GET(self) -> None:
        self._answer("GET", b"")

    def do_POST(self) -> None:
        self._answer("POST", self.rfile.read(int(self.headers.get("Content-Length", 0))))

    def _answer(self, method: str, body: bytes) -> None:
        match = _PATH.match(self.path)
        if match is None or (method == "POST") != (match[4] == ":predict"):
            self._send(404, {"error": f"Malformed request: {method} {self.path}"})
            return
        name, version, label, what = match.groups()
        number = int(version) if version else None
        try:
            if what is None:
                self._send(200, _status(self.server.models.statuses(name)))
                return
            found, model = self.server.models.find(name, number, label)
            if what == "/metadata":
                spec = {"name": name, "signature_name": "", "version": str(found)}
                self._send(200, {"model_spec": spec, "metadata": {}})
                return
            self.server.predictions += 1
            if self.server.faults:
                status, headers, message = self.server.faults.popleft()
                self._send(status, {"error": message}, headers)
                return
            self._send(200, {"predictions": _rows(predict(model, _images(body)))})
        except Refusal as refusal:
            self._send(_STATUSES[refusal.status], {"error": str(refusal)})

    def _send(self, status: int, body: object, headers: dict[str, str] | None = None) -> None:
        encoded = json.dumps(body).encode()
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(encoded)))
        self.end_headers()
        self.wfile.write(encoded)

    def log_message(self, format: str, *args: object) -> None:
        pass


def _status(statuses: list[tuple[int, str]]) -> dict[str, Any]:
    fine = {"error_code": "OK", "error_message": ""}
    return {
        "model_version_status": [
            {"version": str(version), "state": state, "status": fine} for version, state in statuses
        ]
    }


def _images(body: bytes) -> list[bytes]:
    try:
        rows = json.loads(body)["instances"]
        return [base64.b64decode(row["image_bytes"]["b64"], validate=True) for row in rows]
    except (ValueError, KeyError, TypeError) as error:
        raise Refusal(grpc.StatusCode.INVALID_ARGUMENT, f"JSON Parse error: {error!r}") from error


def _rows(outputs: dict[str, np.ndarray]) -> list[dict[str, Any]]:
    """Row format: an object for each image; what is named `_bytes` goes as base64."""
    columns = {name: _column(name, values) for name, values in outputs.items()}
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _column(name: str, values: np.ndarray) -> list[Any]:
    if name.endswith("_bytes"):
        return [{"b64": base64.b64encode(value).decode()} for value in values]
    if values.dtype == object:
        return [value.decode() for value in values]
    return values.tolist()
