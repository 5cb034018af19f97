"""What the service checks of the key and of the network that a resource is to have."""

import re
from typing import TYPE_CHECKING

from google.protobuf.message import Message

from .errors import invalid

if TYPE_CHECKING:
    from .emulator import VertexEmulator

_KEY = re.compile(r"projects/[^/]+/locations/([^/]+)/keyRings/[^/]+/cryptoKeys/[^/]+")
_NETWORK = re.compile(r"projects/[0-9]+/global/networks/[^/]+")


def check_key(vertex: "VertexEmulator", resource: Message) -> None:
    """Refuses the name of a key of Cloud KMS that is none, or is of another region.

    Raises:
        Refusal: INVALID_ARGUMENT.
    """
    key = resource.encryption_spec.kms_key_name
    if not key:  # TFX sends an empty encryption_spec for none
        return
    found = _KEY.fullmatch(key)
    if not found:
        raise invalid(f"Invalid encryption_spec.kms_key_name: found '{key}'.")
    if found[1] != vertex.region:
        raise invalid(
            f"Invalid encryption_spec.kms_key_name: '{key}' is not in the region {vertex.region}."
        )


def check_network(network: str) -> None:
    """Refuses the name of a network that is not its full name, with the project's number.

    Raises:
        Refusal: INVALID_ARGUMENT.
    """
    if network and not _NETWORK.fullmatch(network):
        raise invalid(
            f"Invalid network: found '{network}', expected projects/NUMBER/global/networks/NAME."
        )
