"""What a job of GitHub Actions has around it: an identity, and the login to Google Cloud."""

from .emulator import GithubEmulator

__all__ = ["GithubEmulator"]
