"""An S3 server for tests, SeaweedFS, which a Python package brings."""

from .server import ACCESS_KEY, SECRET_KEY, S3Client, S3Server

__all__ = ["ACCESS_KEY", "SECRET_KEY", "S3Client", "S3Server"]
