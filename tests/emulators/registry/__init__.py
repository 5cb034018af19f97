"""An emulator of Artifact Registry's container images, to which the real clients talk."""

from .emulator import RegistryEmulator

__all__ = ["RegistryEmulator"]
