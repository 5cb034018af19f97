"""Ports for servers that cannot be given port 0."""

import contextlib
import random
import socket

# Below the ports that Linux gives out by itself (ip_local_port_range, 32768 and up): between the
# choice and the server's start, no connection and no server of another test can take one of these.
_PORTS = range(12_000, 32_000)


def free_ports(count: int) -> list[int]:
    """Ports of 127.0.0.1, each another one, that nobody uses at the moment.

    Args:
        count: how many.
    """
    found: list[int] = []
    with contextlib.ExitStack() as taken:
        for port in random.SystemRandom().sample(_PORTS, len(_PORTS)):
            if len(found) == count:
                break
            with contextlib.suppress(OSError):
                taken.enter_context(socket.create_server(("127.0.0.1", port)))
                found.append(port)
    return found


def free_port() -> int:
    """One of them."""
    return free_ports(1)[0]
