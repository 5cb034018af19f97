"""Service accounts, their key files, and the tokens that they are given."""

import json
import secrets
import ssl
import time
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from google.auth import exceptions, jwt

from .federation import Federation
from .server import Handler, HttpServer

TOKEN_SECONDS = 3600


class InvalidToken(Exception):
    """A token that nobody was given, or that is no longer valid."""


@dataclass
class Account:
    """A service account.

    Args:
        email: Its name.
        permitted: Whether it may use the project's services.
        key_file: The JSON with its private key.
        public_key: Its public key as PEM.
    """

    email: str
    permitted: bool
    key_file: Path
    public_key: bytes


class _Handler(Handler):
    def do_POST(self) -> None:
        form = parse_qs(self.read_content().decode())
        try:
            token = self.owner.exchange(form["assertion"][0])
        except (KeyError, InvalidToken) as error:
            status = 400
            answer = {"error": "invalid_grant", "error_description": f"Invalid grant: {error}"}
        else:
            status = 200
            answer = {"access_token": token, "expires_in": TOKEN_SECONDS, "token_type": "Bearer"}
        self.answer(status, json.dumps(answer).encode())


class Accounts:
    """The service accounts of a project, and the servers that give them tokens.

    Args:
        folder: Where the key files are written.
        project: The project to which the accounts belong.
        context: The settings of TLS, with which `oauth_address` and `federation` are reached.
    """

    def __init__(self, folder: Path, project: str, context: ssl.SSLContext) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._project = project
        self._accounts: dict[str, Account] = {}
        self._tokens: dict[str, tuple[Account, float]] = {}
        plain, encrypted = HttpServer(_Handler, self), HttpServer(_Handler, self, context)
        self._token_uri = f"{plain.url}/token"
        self.oauth_address = encrypted.address
        self.federation = Federation(self, context)
        self.trust = self.federation.trust
        self._servers = (plain, encrypted, self.federation)

    def start(self) -> None:
        """Begins to answer."""
        for server in self._servers:
            server.start()

    def close(self) -> None:
        """Answers no more."""
        for server in self._servers:
            server.close()

    def add(self, name: str, *, permitted: bool = True) -> Account:
        """Makes a service account and writes its key file."""
        email = f"{name}@{self._project}.iam.gserviceaccount.com"
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        key_file = self._folder / f"{name}.json"
        key_file.touch(0o600)
        pem = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        fields = {
            "type": "service_account",
            "project_id": self._project,
            "private_key_id": secrets.token_hex(20),
            "private_key": pem.decode(),
            "client_email": email,
            "client_id": "1",
            "token_uri": self._token_uri,
        }
        key_file.write_text(json.dumps(fields, indent=1))
        public_key = key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        self._accounts[email] = Account(email, permitted, key_file, public_key)
        return self._accounts[email]

    def find(self, email: str) -> Account:
        """The account of this name."""
        return self._accounts[email]

    def permits(self, email: str) -> bool:
        """Whether there is an account of this name that may use the project's services."""
        return email in self._accounts and self._accounts[email].permitted

    def token(self, account: Account, seconds: float = TOKEN_SECONDS) -> str:
        """Gives an account an access token; with seconds below zero it has expired."""
        token = f"ya29.{secrets.token_urlsafe(24)}"
        self._tokens[token] = (account, time.time() + seconds)
        return token

    def exchange(self, assertion: str) -> str:
        """Gives an access token for a JWT that an account has signed.

        Raises:
            InvalidToken: When no account has signed it, or it is too old.
        """
        return self.token(self._signer(assertion))

    def identify(self, token: str) -> Account:
        """Finds whose token this is: one given here, or a JWT that an account has signed.

        Raises:
            InvalidToken: When it is nobody's, or has expired.
        """
        if token.count(".") == 2:
            return self._signer(token)
        try:
            account, expires = self._tokens[token]
        except KeyError:
            raise InvalidToken("the access token is unknown") from None
        if expires < time.time():
            raise InvalidToken("the access token has expired")
        return account

    def _signer(self, token: str) -> Account:
        try:
            email = jwt.decode(token, verify=False)["iss"]
            account = self._accounts[email]
            jwt.decode(token, certs=account.public_key)
        except (KeyError, ValueError, exceptions.GoogleAuthError) as error:
            raise InvalidToken(f"the JWT is not valid: {error}") from None
        return account
