"""An emulator of Vertex AI, to which the real client talks."""

from .emulator import VertexEmulator
from .errors import Refusal
from .faults import Request
from .store import FolderInUse

__all__ = ["FolderInUse", "Refusal", "Request", "VertexEmulator"]
