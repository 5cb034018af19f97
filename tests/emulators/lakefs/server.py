"""Requests, answers and routes of lakeFS's API."""

import json
import logging
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import pydantic

from ..http_service import Reply, Sent, json_reply
from .errors import LakeFSError

if TYPE_CHECKING:
    from .emulator import LakeFSEmulator

PREFIX = "/api/v1"


@dataclass
class Call:
    """A request as the routes see it.

    Args:
        lakefs: Whom it was sent to.
        sent: As it came in.
    """

    lakefs: "LakeFSEmulator"
    sent: Sent

    @cached_property
    def query(self) -> dict[str, str]:
        return self.sent.query

    def need(self, name: str) -> str:
        """A value of the query, which must be there."""
        if not self.query.get(name):
            raise LakeFSError(400, f'query argument "{name}" is required, but not found')
        return self.query[name]

    def read(self, model: Any) -> Any:
        """The body, as a model of the client's own library."""
        try:
            return model(**json.loads(self.sent.body.read() or b"null"))
        except (TypeError, ValueError) as error:  # pydantic's is a ValueError
            raise LakeFSError(400, f"request body has an error: {error}") from None

    def content(self) -> tuple[bytes, str]:
        """The bytes that are uploaded and their type: the body, or the one part of a form."""
        body = self.sent.body.read()
        kind = self.sent.headers.get_content_type()
        if kind != "multipart/form-data":
            return body, self.sent.headers.get("Content-Type", "application/octet-stream")
        boundary = f"--{self.sent.headers.get_param('boundary')}".encode()
        for part in body.split(boundary)[1:-1]:
            head, _, content = part.partition(b"\r\n\r\n")
            if b'name="content"' in head:
                return content.removesuffix(b"\r\n"), "application/octet-stream"
        raise LakeFSError(400, "multipart upload missing key 'content'")


def reply(model: Any, status: int = 200) -> Reply:
    """An answer made of a model of the client's own library, which has looked at every field."""
    return json_reply(json.loads(model.json(by_alias=True, exclude_none=True)), status)


def make(model: Any, **fields: Any) -> Any:
    """Makes a model.

    Raises:
        AssertionError: A field does not fit, which is the emulator's fault.
    """
    try:
        return model(**fields)
    except (pydantic.ValidationError, ValueError) as error:
        raise AssertionError(f"{model.__name__}: {error}") from error


Route = Callable[..., Reply]


class Routes(list[tuple[str, re.Pattern[str], Route]]):
    """Methods, paths and their functions, in the order in which they are tried."""

    def add(self, methods: str, template: str) -> Callable[[Route], Route]:
        """Registers a function for a path; its parameters are the template's braces, in order."""
        pattern = re.sub(r"\\{\w+\\}", "([^/]+)", re.escape(PREFIX + template))

        def register(function: Route) -> Route:
            self.extend((method, re.compile(pattern), function) for method in methods.split())
            return function

        return register


def answer(call: Call, routes: Routes) -> Reply:
    """Finds the route of a request and runs it."""
    try:
        call.lakefs.authenticate(call.sent.headers.get("Authorization"))
        for method, pattern, function in routes:
            match = pattern.fullmatch(call.sent.target.path)
            if match and method == call.sent.method:
                return function(call, *(unquote(part) for part in match.groups()))
        return refusal(404, "invalid API endpoint")
    except LakeFSError as error:
        return refusal(error.status, error.message)
    except Exception as error:  # a bug of the emulator must not look like the network's
        logging.exception("The lakeFS emulator failed on %s", call.sent.target.path)
        return refusal(500, f"The emulator failed: {error!r}")


def refusal(status: int, message: str, headers: dict[str, str] | None = None) -> Reply:
    """An answer that says no."""
    return json_reply({"message": message}, status, headers)
