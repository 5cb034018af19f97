"""An emulator of Cloud Storage, to which the real clients talk."""

from ..googleapis import ServerMissing
from .emulator import GcsEmulator
from .server import find_server

__all__ = ["GcsEmulator", "ServerMissing", "find_server"]
