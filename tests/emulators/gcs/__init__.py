"""An emulator of Cloud Storage, to which the real clients talk."""

from .emulator import GcsEmulator
from .server import ServerMissing, find_server

__all__ = ["GcsEmulator", "ServerMissing", "find_server"]
