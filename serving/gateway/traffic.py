"""Which version answers a request that names none, and which one is asked beside it.

A request's id decides, so that a client that sends the same id again is answered by the same
version.
"""

import zlib
from dataclasses import dataclass

_PARTS = 10_000


@dataclass(frozen=True)
class Share:
    """A part of the traffic.

    Attributes:
        label: of the version that gets it.
        percent: of the requests, above 0 and at most 100.
    """

    label: str
    percent: float

    def takes(self, request_id: str) -> bool:
        """Tell whether a request is in the part."""
        return is_sampled(request_id, self.percent, self.label)


@dataclass(frozen=True)
class Traffic:
    """How requests that name neither version nor label are spread.

    Attributes:
        canary: the part that another label answers; `stable` answers the rest.
        shadow: the part that another label is asked as well, whose answers no client gets.
    """

    canary: Share | None = None
    shadow: Share | None = None


def is_sampled(request_id: str, percent: float, purpose: str) -> bool:
    """Tell whether a request is in a part of all, the same one for the same id.

    Args:
        request_id: of the request.
        percent: how many of a hundred are.
        purpose: parts of different purposes are independent of each other.
    """
    return zlib.crc32(f"{purpose}/{request_id}".encode()) % _PARTS < percent * _PARTS / 100
