"""An emulator of the Hugging Face Hub, to which the real client talks."""

from .accounts import digest
from .emulator import HubEmulator, Limits
from .faults import Fault, Request

__all__ = ["Fault", "HubEmulator", "Limits", "Request", "digest"]
