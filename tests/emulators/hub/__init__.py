"""An emulator of the Hugging Face Hub, to which the real client talks."""

from ..faults import Fault, Request
from .accounts import digest
from .emulator import HubEmulator, Limits
from .storage import FolderInUse

__all__ = ["Fault", "FolderInUse", "HubEmulator", "Limits", "Request", "digest"]
