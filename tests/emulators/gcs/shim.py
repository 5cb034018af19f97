"""What stands before fake-gcs-server: TLS, and the requests it does not take as they come."""

import http.client
import re
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

from ..googleapis import HOP_BY_HOP, Accounts, Handler, HttpServer, InvalidToken

# Headers of a part of a batch: fake-gcs-server skips parts without a Content-ID.
PART_TYPE = re.compile(rb"^content-type: *application/http\r?\n", re.IGNORECASE | re.MULTILINE)


@dataclass
class Request:
    """One request to Cloud Storage.

    Args:
        method: GET, HEAD, POST, PUT, PATCH or DELETE.
        path: The path with its query, quoted.
        account: The email of the account that sent it; None where it came without a token.
        status: The status of the answer; None as long as there is none.
    """

    method: str
    path: str
    account: str | None
    status: int | None = None


def name_parts(body: bytes) -> bytes:
    """Gives the parts of a batch the Content-ID without which they are skipped."""
    if b"content-id:" in body.lower():
        return body
    numbers = iter(range(1, body.count(b"\n") + 1))
    return PART_TYPE.sub(lambda line: line[0] + b"Content-ID: <%d>\r\n" % next(numbers), body)


class _Handler(Handler):
    def _account(self) -> str | None:
        token = self.headers.get("Authorization", "").removeprefix("Bearer ")
        try:
            return self.owner.accounts.identify(token).email
        except InvalidToken:
            return None

    def _forward(self) -> None:
        request = Request(self.command, self.path, self._account())
        self.owner.requests.append(request)
        body = self.read_content()
        if self.path.startswith("/batch"):
            body = name_parts(body)
        headers = {
            name: value for name, value in self.headers.items() if name.lower() not in HOP_BY_HOP
        }
        headers["Content-Length"] = str(len(body))
        backend = http.client.HTTPConnection(*self.owner.backend())
        try:
            backend.request(self.command, self.path, body, headers)
            answer = backend.getresponse()
            content = answer.read()
        finally:
            backend.close()
        if urlsplit(self.path).path.startswith("/storage/v1/b"):
            # The server knows no projects. By the number clients see whose a bucket is.
            number = b'"projectNumber":"%s"' % self.owner.project_number.encode()
            content = content.replace(b'"projectNumber":"0"', number)
            # Nor does it know of TLS, when it tells where to download from.
            content = content.replace(
                f"http://{self.headers['Host']}".encode(), self.own_url.encode()
            )
        request.status = answer.status
        self.send_response_only(answer.status, answer.reason)
        for name, value in answer.getheaders():
            if name.lower() == "location":
                # The server knows neither of TLS nor of the name by which it was called.
                value = self.own_url + urlsplit(value)._replace(scheme="", netloc="").geturl()
            if name.lower() not in HOP_BY_HOP:
                self.send_header(name, value)
        # The answer to HEAD tells the length of what is not sent.
        length = answer.getheader("Content-Length") if self.command == "HEAD" else len(content)
        if length is not None and answer.status != 204:
            self.send_header("Content-Length", str(length))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = _forward


class Shim:
    """Two servers with the same content: `url` over HTTP, `tls_address` over TLS.

    Args:
        context: The settings of TLS.
        backend: Says where fake-gcs-server listens.
        accounts: Whose tokens the requests may come with.
        project_number: The number of the project that owns all buckets.
    """

    def __init__(
        self,
        context: ssl.SSLContext,
        backend: Callable[[], tuple[str, int]],
        accounts: Accounts,
        project_number: str,
    ) -> None:
        self.backend = backend
        self.accounts = accounts
        self.project_number = project_number
        self.requests: list[Request] = []
        self._servers = [HttpServer(_Handler, self), HttpServer(_Handler, self, context)]
        plain, encrypted = self._servers
        self.url, self.tls_address = plain.url, encrypted.address

    def start(self) -> None:
        """Begins to answer."""
        for server in self._servers:
            server.start()

    def close(self) -> None:
        """Answers no more."""
        for server in self._servers:
            server.close()
