"""A lakeFS server for tests: the real client talks to it, and its objects lie in a real S3.

What its protocol leaves open it does as the sources of lakeFS do. What it has not:
users and policies, hooks that run, garbage collection, pull requests.
"""

from .emulator import ACCESS_KEY, SECRET_KEY, LakeFSEmulator

__all__ = ["ACCESS_KEY", "SECRET_KEY", "LakeFSEmulator"]
