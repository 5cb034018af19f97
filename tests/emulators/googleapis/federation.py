"""Workload identity federation: what a workflow's identity is exchanged for."""

import json
import re
import secrets
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from .. import id_tokens
from .server import Handler, HttpServer

if TYPE_CHECKING:
    from ..github import GithubEmulator
    from .accounts import Account, Accounts

HOSTS = ("sts.googleapis.com", "iamcredentials.googleapis.com")
TOKEN_SECONDS = 3600
ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"
EXCHANGE = {
    "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
    "requested_token_type": ACCESS_TOKEN,
    "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
}
IMPERSONATION = re.compile(r"/v1/projects/-/serviceAccounts/([^/]+):generateAccessToken")
PERMISSION = "iam.serviceAccounts.getAccessToken"


class _Refusal(Exception):
    def __init__(self, status: int, answer: Mapping[str, Any]) -> None:
        super().__init__(answer)
        self.status = status
        self.answer = answer


def _oauth_error(code: str, description: str) -> _Refusal:
    return _Refusal(400, {"error": code, "error_description": description})


def _iam_error(code: int, status: str, message: str, *details: object) -> _Refusal:
    error = {"code": code, "message": message, "status": status, "details": details}
    return _Refusal(code, {"error": error})


def _permission_denied() -> _Refusal:
    detail = {
        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
        "reason": "IAM_PERMISSION_DENIED",
        "domain": "iam.googleapis.com",
        "metadata": {"permission": PERMISSION},
    }
    message = f"Permission '{PERMISSION}' denied on resource (or it may not exist)."
    return _iam_error(403, "PERMISSION_DENIED", message, detail)


@dataclass
class _Provider:
    """A provider of a workload identity pool, and whom it lets in."""

    issuer: str
    key: bytes
    conditions: list[dict[str, str]] = field(default_factory=list)  # claims, by their names

    def accepts(self, claims: Mapping[str, str]) -> bool:
        return any(condition.items() <= claims.items() for condition in self.conditions)


class _Handler(Handler):
    def do_POST(self) -> None:
        content = self.read_content().decode()
        impersonation = IMPERSONATION.fullmatch(self.path)
        try:
            if self.path == "/v1/token":
                form = {name: values[-1] for name, values in parse_qs(content).items()}
                answer = self.owner.exchange(form)
            elif impersonation:
                bearer = self.headers.get("Authorization", "").removeprefix("Bearer ")
                lifetime = json.loads(content).get("lifetime", f"{TOKEN_SECONDS}s")
                answer = self.owner.impersonate(bearer, impersonation[1], int(lifetime[:-1]))
            else:
                raise _iam_error(404, "NOT_FOUND", f"{self.path} is not known.")
        except _Refusal as refusal:
            self.answer(refusal.status, json.dumps(refusal.answer).encode())
        else:
            self.answer(200, json.dumps(answer).encode())

    def do_GET(self) -> None:
        # The client asks iamcredentials in which regions an account may be used: in all.
        if self.path.endswith("/allowedLocations"):
            self.answer(200, b'{"encodedLocations": "0x0"}')
        else:
            self.answer(404, b"{}")


class Federation:
    """The Security Token Service, and IAM, which gives its tokens those of service accounts.

    Args:
        accounts: The service accounts.
        context: The settings of TLS, with which `address` is reached.
    """

    def __init__(self, accounts: "Accounts", context: ssl.SSLContext) -> None:
        self._accounts = accounts
        self._providers: dict[str, _Provider] = {}
        self._members: set[tuple[str, str]] = set()  # account, repository
        self._repositories: dict[str, str] = {}  # federated token -> whose it is
        self._server = HttpServer(_Handler, self, context)
        self.address = self._server.address
        self.start = self._server.start
        self.close = self._server.close

    def trust(
        self,
        provider: str,
        github: "GithubEmulator",
        *,
        repository: str,
        account: "Account",
        **claims: str,
    ) -> None:
        """Lets a repository's workflows work as an account.

        Args:
            provider: the resource name of the workload identity provider.
            github: whose signature it believes.
            repository: OWNER/NAME.
            account: in whose name they work.
            **claims: what their tokens must say beside the repository, such as `ref`.
        """
        made = self._providers.setdefault(provider, _Provider(github.issuer, github.public_key))
        made.conditions.append({"repository": repository, **claims})
        self._members.add((account.email, repository))

    def exchange(self, form: Mapping[str, str]) -> dict[str, Any]:
        """Exchanges an identity token for a federated one."""
        for name, value in EXCHANGE.items():
            if form.get(name) != value:
                raise _oauth_error("invalid_request", f'Invalid value for "{name}".')
        name = form.get("audience", "").removeprefix("//iam.googleapis.com/")
        provider = self._providers.get(name)
        if provider is None:
            raise _oauth_error(
                "invalid_target",
                'The target service indicated by the "audience" parameters is invalid. This might '
                "either be because the pool or provider is disabled or deleted or because it "
                "doesn't exist.",
            )
        try:
            claims = id_tokens.read(form.get("subject_token", ""), provider.key)
        except id_tokens.InvalidIdToken as error:
            raise _oauth_error("invalid_grant", str(error)) from None
        if claims["iss"] != provider.issuer:
            raise _oauth_error(
                "invalid_grant",
                f"The issuer in ID Token {claims['iss']} does not match the expected ones.",
            )
        if claims["aud"] not in (f"https://iam.googleapis.com/{name}", form["audience"]):
            raise _oauth_error(
                "invalid_grant",
                f"The audience in ID Token [{claims['aud']}] does not match the expected audience.",
            )
        if not provider.accepts(claims):
            raise _oauth_error(
                "unauthorized_client",
                "The given credential is rejected by the attribute condition.",
            )
        token = f"ya29.d.{secrets.token_urlsafe(24)}"
        self._repositories[token] = claims["repository"]
        return {
            "access_token": token,
            "issued_token_type": ACCESS_TOKEN,
            "token_type": "Bearer",
            "expires_in": TOKEN_SECONDS,
        }

    def impersonate(self, token: str, email: str, seconds: int) -> dict[str, str]:
        """Gives an account's access token for a federated one."""
        if token not in self._repositories:
            raise _iam_error(
                401, "UNAUTHENTICATED", "Request had invalid authentication credentials."
            )
        if (email, self._repositories[token]) not in self._members:
            raise _permission_denied()
        expires = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + seconds))
        given = self._accounts.token(self._accounts.find(email), seconds)
        return {"accessToken": given, "expireTime": expires}
