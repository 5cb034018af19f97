"""Who may do what: access tokens, organizations and the tokens of trusted publishers."""

import hashlib
import hmac
import secrets
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .. import id_tokens
from .errors import HubError
from .store import Repository

if TYPE_CHECKING:
    from ..github import GithubEmulator

TOKEN_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
ID_TOKEN = "urn:ietf:params:oauth:token-type:id_token"


def digest(value: str) -> str:
    """The only form in which a secret value is kept."""
    return hashlib.sha256(value.encode()).hexdigest()


@dataclass(frozen=True)
class Identity:
    """Who sends a request.

    Args:
        user: The user's name.
        role: "read" or "write".
        orgs: The organizations the user belongs to.
        resource: The one repository a trusted publisher's token is for, as kind/namespace/name.
        expires: When the token ceases to be one, in seconds since the epoch.
        oauth: Whether it is of a login with the browser, of which the Hub tells no role.
    """

    user: str
    role: str
    orgs: tuple[str, ...] = ()
    resource: str | None = None
    expires: float | None = None
    oauth: bool = False

    def owns(self, namespace: str) -> bool:
        """Whether the namespace is the user's or one of the user's organizations."""
        return self.resource is None and namespace in (self.user, *self.orgs)

    def reaches(self, repository: Repository) -> bool:
        """Whether the repository is one of the user's, or the one the token is for."""
        if self.resource is not None:
            return self.resource == f"{repository.kind}/{repository.id}"
        return self.owns(repository.namespace)


class Accounts:
    """Tokens by their SHA-256, in memory alone: no token's value is kept anywhere."""

    def __init__(self) -> None:
        self._tokens: dict[str, Identity] = {}
        self._publishers: dict[str, list[str]] = {}  # GitHub repository -> resources
        self._github_key = b""
        self._key = secrets.token_bytes(32)
        self.publisher_token_seconds = 3600

    def add(self, token: str, identity: Identity) -> None:
        """Makes a token known."""
        self._tokens[digest(token)] = identity

    def identify(self, authorization: str | None) -> Identity | None:
        """Who an Authorization header names: None without one, 401 for an unknown token."""
        if authorization is None:
            return None
        identity = self._tokens.get(digest(authorization.removeprefix("Bearer ")))
        if identity is None or (identity.expires is not None and identity.expires <= time.time()):
            raise HubError(401, "Invalid credentials in Authorization header")
        return identity

    def sign(self, text: str) -> str:
        """A signature that only this process can make and check."""
        return hmac.new(self._key, text.encode(), "sha256").hexdigest()

    def is_signed(self, text: str, signature: str) -> bool:
        """Whether `sign` gave this signature for this text."""
        return hmac.compare_digest(self.sign(text).encode(), signature.encode())

    def trust(self, github: "GithubEmulator", resources: list[str]) -> None:
        """Lets the workflows of a GitHub repository write to repositories here."""
        self._publishers.setdefault(github.repository, []).extend(resources)
        self._github_key = github.public_key

    def exchange(self, request: dict, endpoint: str) -> dict:
        """Exchanges an id token for a short-lived write token to one repository."""
        if (request["grant_type"], request["subject_token_type"]) != (TOKEN_EXCHANGE, ID_TOKEN):
            raise _oauth_error(
                "unsupported_grant_type", "Only the exchange of an id token is known"
            )
        try:
            claims = id_tokens.read(request["subject_token"], self._github_key)
        except id_tokens.InvalidIdToken as error:
            raise _oauth_error("invalid_grant", str(error)) from None
        if claims["aud"] != endpoint:
            raise _oauth_error("invalid_grant", "The id token is for another audience")
        resource = request["resource"]
        if not resource.startswith(("datasets/", "spaces/")):
            resource = f"models/{resource}"
        if resource not in self._publishers.get(claims["repository"], ()):
            # The Hub has one code for all of it, and does not say which of the checks failed.
            raise _oauth_error("invalid_grant", f"No trusted publisher matches for {resource}")
        token, lifetime = f"hf_jwt_{secrets.token_urlsafe(24)}", self.publisher_token_seconds
        namespace = resource.split("/")[1]
        self.add(
            token, Identity(namespace, "write", resource=resource, expires=time.time() + lifetime)
        )
        return {"access_token": token, "token_type": "bearer", "expires_in": lifetime}


def _oauth_error(error: str, description: str) -> HubError:
    return HubError(400, description, fields={"error": error, "error_description": description})
