"""Where gs:// is: a folder that stands for Cloud Storage, or Cloud Storage (or its emulator)."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from pipeline.jobs.states import RehearsalError

# A bucket's name begins with a letter or a digit; /gcs/ counts where a path begins.
_CLOUD_PATH = re.compile(r"gs://(?=[a-z0-9])|(?<![\w./-])/gcs/(?=[a-z0-9])")


class Storage(Protocol):
    """How steps and the rehearsal reach what is at a URI."""

    def to_local(self, text: str) -> str:
        """Text for a step, with the paths by which it reaches Cloud Storage."""

    def to_cloud(self, text: str) -> str:
        """Text from a step, with URIs that mean the same on any machine."""

    def read(self, uri: str) -> bytes | None:
        """Return the content of a file; None when there is no such file."""

    def is_empty(self, uri: str) -> bool:
        """Tell whether it is known that a folder is not there, or holds nothing."""

    def make_folder(self, uri: str) -> None:
        """Make a folder, where there are folders."""


class MappedStorage:
    """gs://BUCKET/x and /gcs/BUCKET/x are ROOT/BUCKET/x."""

    def __init__(self, root: Path) -> None:
        self._prefix = f"{root.resolve()}/"

    def to_local(self, text: str) -> str:
        """See Storage."""
        return _CLOUD_PATH.sub(lambda _: self._prefix, text)

    def to_cloud(self, text: str) -> str:
        """See Storage."""
        return text.replace(self._prefix, "gs://")

    def read(self, uri: str) -> bytes | None:
        """See Storage."""
        path = Path(self.to_local(uri))
        return path.read_bytes() if path.is_file() else None

    def is_empty(self, uri: str) -> bool:
        """See Storage."""
        path = Path(self.to_local(uri))
        return not path.is_dir() or not any(path.iterdir())

    def make_folder(self, uri: str) -> None:
        """See Storage."""
        Path(self.to_local(uri)).mkdir(parents=True, exist_ok=True)


class CloudStorage:
    """gs:// is what the Cloud Storage client finds there.

    Args:
        environment: the steps'; STORAGE_EMULATOR_HOST in it names an emulator.
    """

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._emulator = environment.get("STORAGE_EMULATOR_HOST")

    def to_local(self, text: str) -> str:
        """See Storage."""
        return text

    def to_cloud(self, text: str) -> str:
        """See Storage."""
        return text

    def read(self, uri: str) -> bytes | None:
        """See Storage."""
        import google.cloud.storage as storage
        from google.api_core.exceptions import GoogleAPIError, NotFound
        from google.auth.credentials import AnonymousCredentials
        from google.auth.exceptions import GoogleAuthError

        if not uri.startswith("gs://"):
            path = Path(uri)
            return path.read_bytes() if path.is_file() else None
        try:
            if self._emulator:
                client = storage.Client(
                    project="rehearsal",
                    credentials=AnonymousCredentials(),
                    client_options={"api_endpoint": self._emulator},
                )
            else:
                client = storage.Client()
            return storage.Blob.from_uri(uri, client=client).download_as_bytes()
        except NotFound:
            return None
        except (GoogleAPIError, GoogleAuthError, OSError) as error:
            raise RehearsalError(
                f"Cloud Storage does not give {uri} ({error}): mend the credentials or the network."
            ) from error

    def is_empty(self, uri: str) -> bool:
        """See Storage."""
        return False  # whether the steps may list it is theirs to find out

    def make_folder(self, uri: str) -> None:
        """See Storage."""
        if not uri.startswith("gs://"):
            Path(uri).mkdir(parents=True, exist_ok=True)
