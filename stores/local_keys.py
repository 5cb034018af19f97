"""Gives the services on this machine keys and passwords of their own, in `.env`: `make env`."""

import contextlib
import fcntl
import io
import os
import secrets
import string
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import dotenv

_INCOMING = ".env.incoming"  # beside the file; git ignores it
_MODE = 0o600  # the owner alone reads and writes
_ADMINISTRATOR = "admin"
# As lakeFS and AWS have them: 20 capitals and digits name a key, whose secret has 40 characters.
_KEY_CHARACTERS = string.ascii_uppercase + string.digits
_KEY_LENGTH = 16
_PASSWORD_BYTES = 20


class KeysError(RuntimeError):
    """The file cannot be read or written; one sentence with the cause and the cure."""


def _password() -> str:
    """Hexadecimal digits: the same in a URL, in a shell and in YAML."""
    return secrets.token_hex(_PASSWORD_BYTES)


def _key_id() -> str:
    return "AKIA" + "".join(secrets.choice(_KEY_CHARACTERS) for _ in range(_KEY_LENGTH))


KEYS: Mapping[str, Callable[[], str]] = {
    "MINIO_ROOT_USER": lambda: _ADMINISTRATOR,
    "MINIO_ROOT_PASSWORD": _password,
    "LAKECTL_CREDENTIALS_ACCESS_KEY_ID": _key_id,
    "LAKECTL_CREDENTIALS_SECRET_ACCESS_KEY": _password,
    "LAKEFS_AUTH_ENCRYPT_SECRET_KEY": _password,
    "LAKEFS_BLOCKSTORE_SIGNING_SECRET_KEY": _password,
    "POSTGRES_PASSWORD": _password,
}


def write_keys(file: Path) -> list[str]:
    """Add what is missing to a file of NAME=value lines, which is then the owner's alone.

    What has a value keeps it, and all other lines stay. The file is replaced as a whole; of two
    that write at once, the second finds what the first wrote.

    Args:
        file: it need not exist; where it is a link, what it points to is replaced.

    Returns:
        The names that were added.

    Raises:
        KeysError: the file cannot be read or written.
    """
    file = file.resolve()
    try:
        with _locked(file.parent):
            return _add_missing(file)
    except UnicodeDecodeError as error:
        raise KeysError(f"{file} is no text in UTF-8: save it as such, or move it away.") from error
    except OSError as error:
        raise KeysError(
            f"{file} cannot be written ({error.strerror}): make it a file of yours in a folder of "
            "yours, with room on the disk."
        ) from error


def _add_missing(file: Path) -> list[str]:
    before = file.read_bytes() if file.exists() else b""
    present = dotenv.dotenv_values(stream=io.StringIO(before.decode()), interpolate=False)
    missing = [name for name in KEYS if not present.get(name)]
    if not missing:
        file.chmod(_MODE)
        return []
    # Of two lines of one name the last counts, so a line without a value may stay.
    added = "".join(f"{name}={KEYS[name]()}\n" for name in missing).encode()
    separator = b"\n" if before and not before.endswith(b"\n") else b""
    incoming = file.with_name(_INCOMING)
    incoming.unlink(missing_ok=True)
    try:
        descriptor = os.open(incoming, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _MODE)
        with os.fdopen(descriptor, "wb") as writing:
            writing.write(before + separator + added)
            writing.flush()
            os.fsync(writing.fileno())
        incoming.replace(file)
    finally:
        incoming.unlink(missing_ok=True)
    return missing


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Keep a second writer waiting; the lock leaves no file and ends with the process."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def main() -> int:
    """Write `.env` in the working directory; return the exit code."""
    try:
        added = write_keys(Path(".env"))
    except KeysError as error:
        print(error, file=sys.stderr)
        return 1
    print(
        f".env: added {', '.join(added)}." if added else ".env has all keys; nothing was changed."
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
