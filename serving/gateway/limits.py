"""What a client may ask for, and what the server says to one that asks for more."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """What the server takes on.

    Attributes:
        queue: requests that are worked on or wait at one time.
        seconds: that a request may wait for its turn, and that its body may take to arrive.
        request_bytes: of a body, also after it is unpacked.
        instances: images in a request.
    """

    queue: int = 64
    seconds: float = 10.0
    request_bytes: int = 32 * 2**20
    instances: int = 256

    @property
    def held_bytes(self) -> int:
        """Of all bodies that are held at one time."""
        return 4 * self.request_bytes


LIMITS = Limits()


class Refusal(Exception):
    """The server does not answer a request.

    Args:
        status: of HTTP.
        message: one sentence for the client.
    """

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


def busy(why: str) -> Refusal:
    """Return the answer to a request that may be sent again."""
    return Refusal(429, f"The server has too much to do, {why}: ask again later.")


def too_many(most: int) -> Refusal:
    """Return the answer to a request of too many images."""
    return Refusal(413, f"The request has more than {most} instances: send fewer at a time.")
