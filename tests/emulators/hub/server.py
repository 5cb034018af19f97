"""The HTTP side: routes, requests and answers."""

import json
import logging
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, BinaryIO
from urllib.parse import unquote, urlencode

from ..http_service import Reply, json_reply
from .accounts import Identity
from .errors import HubError
from .store import Repository

if TYPE_CHECKING:
    from .emulator import HubEmulator

PREFIXES = {"models": "", "datasets": "datasets/", "spaces": "spaces/"}
NO_SUCH_PAGE = "Sorry, we can't find the page you are looking for."
_PATTERNS = {
    "{kind}": "(models|datasets|spaces)",
    "{prefix}": "(datasets/|spaces/|)",
    "{id}": "([^/]+/[^/]+)",
    "{rev}": "([^/]+)",  # branches with a slash come quoted
    "{name}": "([^/]+)",
    "{path}": "(.+)",
}


def error_reply(error: HubError) -> Reply:
    """A refusal, in the headers for the client's exceptions and in the body for the rest."""
    # A header holds one line of Latin-1.
    message = " ".join(error.message.split()).encode("latin-1", "replace").decode("latin-1")
    headers = {"X-Error-Message": message, **error.headers}
    if error.code is not None:
        headers["X-Error-Code"] = error.code
    return json_reply({"error": error.message, **error.fields}, error.status, headers)


def no_such_repository() -> HubError:
    """What the Hub says of absent repositories, and of those the token may not see."""
    return HubError(404, "Repository not found", "RepoNotFound")


class Fields(dict):
    """A JSON object of a request, in which every field that is read must be."""

    def __init__(self, value: object) -> None:
        if not isinstance(value, dict):
            raise HubError(400, f"{json.dumps(value)} is not a JSON object")
        super().__init__(value)

    def __missing__(self, key: str) -> Any:
        raise HubError(400, f'"{key}" is required')


@dataclass
class Call:
    """A request as the routes see it."""

    hub: "HubEmulator"
    method: str
    path: str  # as sent, without the query
    query: dict[str, str]
    headers: Any
    body: BinaryIO

    @cached_property
    def identity(self) -> Identity | None:
        """Who sends the request; 401 for an unknown token."""
        return self.hub.accounts.identify(self.headers.get("Authorization"))

    def writer(self) -> Identity:
        """Who sends the request, which must come with a token."""
        if self.identity is None:
            raise HubError(401, "Invalid username or password.")
        return self.identity

    def json(self) -> Fields:
        """The body, which must be a JSON object."""
        return parse_object(self.body.read())

    def repository(
        self, kind: str, repo_id: str, write: bool = False, settings: bool = False
    ) -> Repository:
        """The repository, if the sender may read it or, with `write`, change it.

        With `settings` it is what is beside its content that is seen or changed, which a trusted
        publisher may not: https://huggingface.co/docs/hub/trusted-publishers names commits alone.
        """
        if write and self.identity is None:
            # Over https the client takes any 401 of a repository's address for RepoNotFound;
            # over http it must be told.
            raise HubError(401, "Invalid username or password.", "RepoNotFound")
        repository = self.hub.store.find(kind, repo_id)
        reaches = repository is not None and bool(
            self.identity and self.identity.reaches(repository)
        )
        if repository is None or (repository.private and not reaches):
            raise no_such_repository()
        if settings and self.identity and self.identity.resource is not None:
            raise HubError(403, "A trusted publisher's token can only push commits")
        if write and not (reaches and self.identity and self.identity.role == "write"):
            raise HubError(403, f"Your token may not write to {repo_id}")
        return repository

    def sign(self, method: str, path: str, **query: object) -> str:
        """A link to this emulator that needs no token, as to a storage service."""
        text = f"{path}?{urlencode(sorted((key, str(value)) for key, value in query.items()))}"
        signature = self.hub.accounts.sign(f"{method} {text}")
        return f"{self.hub.endpoint}{text}&signature={signature}"

    def check_signature(self) -> None:
        """Refuses a request that is not to a link of `sign`."""
        query = dict(self.query)
        signature = query.pop("signature", "")
        method = "GET" if self.method == "HEAD" else self.method
        text = f"{method} {self.path}?{urlencode(sorted(query.items()))}"
        if not self.hub.accounts.is_signed(text, signature):
            raise HubError(403, "The link's signature is not valid")


def parse_object(text: bytes) -> Fields:
    """Parses a JSON object, or refuses the request."""
    try:
        return Fields(json.loads(text))
    except ValueError as error:
        raise HubError(400, f"The request is not valid JSON: {error}") from None


Route = Callable[..., Reply]


class Routes(list[tuple[str, re.Pattern[str], Route]]):
    """Methods, paths and their functions, in the order in which they are tried."""

    def add(self, methods: str, template: str) -> Callable[[Route], Route]:
        """Registers a function for a path; its parameters are the template's braces, in order."""
        pattern = re.escape(template).replace(r"\{", "{").replace(r"\}", "}")
        for brace, group in _PATTERNS.items():
            pattern = pattern.replace(brace, group)

        def register(function: Route) -> Route:
            for method in methods.split():
                self.append((method, re.compile(pattern), function))
            return function

        return register


def answer(call: Call) -> Reply:
    """Finds the route of a request and runs it."""
    for method, pattern, function in call.hub.routes:
        match = pattern.fullmatch(call.path)
        if match and method == call.method:
            try:
                return function(call, *(unquote(part) for part in match.groups()))
            except HubError as error:
                return error_reply(error)
            except Exception as error:  # a bug of the emulator must not look like the network's
                logging.exception("The Hub emulator failed on %s %s", call.method, call.path)
                return error_reply(HubError(500, f"The emulator failed: {error!r}"))
    return error_reply(HubError(404, NO_SUCH_PAGE))
