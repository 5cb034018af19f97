"""Identity tokens: who a run of a workflow is, signed by GitHub."""

import functools
import time

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from google.auth import crypt, exceptions, jwt

ISSUER = "https://token.actions.githubusercontent.com"
LIFETIME_SECONDS = 300


class InvalidIdToken(Exception):
    """A token that GitHub did not sign, or that is too old."""


@functools.cache
def _key() -> rsa.RSAPrivateKey:
    # One for all runs of all repositories, as GitHub has.
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def public_key() -> bytes:
    """The key with which the tokens are checked, as PEM."""
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return _key().public_key().public_bytes(serialization.Encoding.PEM, form)


def sign(claims: dict[str, str], lifetime: float = LIFETIME_SECONDS) -> str:
    """A token with these claims; with a lifetime below zero it has expired."""
    expires = int(time.time() + lifetime)
    issued = min(int(time.time()), expires - 1)
    claimed = {"iss": ISSUER, **claims, "iat": issued, "exp": expires}
    return jwt.encode(crypt.RSASigner(_key(), key_id="github"), claimed).decode()


def read(token: str, key: bytes) -> dict[str, str]:
    """The claims of a token that was signed with a key and has not expired.

    Raises:
        InvalidIdToken: When it was not, or has; in Google's words.
    """
    try:
        claims = jwt.decode(token, verify=False)
        return jwt.decode(token, certs=key)
    except exceptions.InvalidValue:
        raise InvalidIdToken(f"ID Token issued at {claims['iat']} is stale to sign-in.") from None
    except (ValueError, exceptions.GoogleAuthError):
        raise InvalidIdToken("The signature of the ID Token is not valid.") from None
