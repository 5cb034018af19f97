"""What stands before docker-registry: TLS, access, and the faults on the way."""

import http.client
import json
import ssl
from urllib.parse import unquote, urlsplit

from ..faults import ConnectionGone, Fault, Journal, Request
from ..googleapis import BLOCK, HOP_BY_HOP, Handler, HttpServer
from .access import Access, Refusal
from .server import RegistryServer


class _Handler(Handler):
    def _exchange(self) -> None:
        request = Request(self.command, unquote(urlsplit(self.path).path), 0)
        fault = self.owner.journal.note(request)
        try:
            if fault is not None:
                fault.strike("before", self.connection)
            self._answer(request, fault)
        except ConnectionGone:
            self.close_connection = True

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = _exchange

    def _answer(self, request: Request, fault: Fault | None) -> None:
        try:
            if fault is not None and fault.kind == "answer":
                raise Refusal(fault.status, "UNAVAILABLE", "The emulator was told to fail")
            token = self._token(request.path)
            if request.path == "/v2/token":
                self._send(request, 200, {}, json.dumps({"token": token}).encode())
                return
            self.owner.access.check(self.headers["Host"], self.command, request.path, token)
        except Refusal as refusal:
            for block in self.read_blocks():  # what it sends must be read before it is answered
                request.received_bytes += len(block)
            headers = {"Docker-Distribution-API-Version": "registry/2.0"}
            if refusal.status == 401:
                host = self.headers["Host"]
                headers["WWW-Authenticate"] = (
                    f'Bearer realm="https://{host}/v2/token",service="{host}"'
                )
            self._send(request, refusal.status, headers, refusal.content)
        else:
            self._forward(request, fault)

    def _token(self, path: str) -> str:
        authorization = self.headers["Authorization"]
        if authorization is None and path == "/v2/":
            raise Refusal(401, "UNAUTHORIZED", "Unauthenticated request")
        return self.owner.access.token(authorization)

    def _send(self, request: Request, status: int, headers: dict[str, str], content: bytes) -> None:
        request.status = status
        self.send_response_only(status)
        given = {"Content-Type": "application/json", "Content-Length": str(len(content))}
        for name, value in (given | headers).items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def _forward(self, request: Request, fault: Fault | None) -> None:
        headers = {
            name: ", ".join(self.headers.get_all(name, ()))  # there are many of Accept
            for name in self.headers
            if name.lower() not in HOP_BY_HOP | {"authorization"}
        }
        chunked = "Transfer-Encoding" in self.headers
        if chunked:
            headers["Transfer-Encoding"] = "chunked"
        else:
            headers["Content-Length"] = self.headers.get("Content-Length", "0")

        def blocks():
            for block in self.read_blocks():
                request.received_bytes += len(block)
                yield block

        backend = http.client.HTTPConnection(*self.owner.server.address)
        try:
            backend.request(self.command, self.path, blocks(), headers, encode_chunked=chunked)
            answer = backend.getresponse()
            if fault is not None:
                fault.strike("after", self.connection)
            request.status = answer.status
            self._pass_on(answer)
        finally:
            backend.close()

    def _pass_on(self, answer: http.client.HTTPResponse) -> None:
        self.send_response_only(answer.status, answer.reason)
        for name, value in answer.getheaders():
            if name.lower() not in HOP_BY_HOP - {"content-length"}:
                self.send_header(name, value)
        length = answer.getheader("Content-Length")
        if length is None and answer.status != 204:
            self.send_header("Connection", "close")  # which is how the client sees the end
            self.close_connection = True
        self.end_headers()
        while block := answer.read(BLOCK):
            self.wfile.write(block)


class Shim(HttpServer):
    """The server to which the clients talk.

    Args:
        context: The settings of TLS.
        server: What stores the images.
        access: Who may do what.
    """

    def __init__(self, context: ssl.SSLContext, server: RegistryServer, access: Access) -> None:
        super().__init__(_Handler, self, context)
        self.server = server
        self.access = access
        self.journal = Journal()
