"""The bearer token that clients must bring, over any protocol."""

import hmac


def is_token(given: str, token: str) -> bool:
    """Tell whether an `authorization` brings a token, compared in constant time."""
    return hmac.compare_digest(given.encode(errors="replace"), f"Bearer {token}".encode())
