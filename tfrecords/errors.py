"""Errors of the data tools that a user can act on."""

from __future__ import annotations

import errno
import functools
import os
import re
import sys
from collections.abc import Callable
from typing import Any

_ERRNO_IN_TEXT = re.compile(r"\[Errno (\d+)\]")

# Faults of the machine or of its permissions: running the same thing again will not help.
_ADVICE = {
    errno.ENOSPC: "free some space or choose another output folder",
    errno.EDQUOT: "free some space or choose another output folder",
    errno.EFBIG: "raise the file size limit or choose another output folder",
    errno.EACCES: "choose an output folder you may write to",
    errno.EPERM: "choose an output folder you may write to",
    errno.EROFS: "choose an output folder you may write to",
    errno.ENOTDIR: "choose an output path that does not run through a file",
    errno.EEXIST: "choose an output path that is not a file",
}


class DataError(ValueError):
    """A fault in the data or in where it is kept, told in words that need no traceback."""


def listed(heading: str, items: list[str]) -> str:
    """Return `heading` followed by every item on a line of its own."""
    return "\n  ".join([heading, *items])


def storage_fault(error: BaseException, output: str) -> DataError | None:
    """Translate an operating system's refusal to write into one sentence.

    Beam turns what a worker raised into text, so the number is looked for in the chain of
    exceptions first and in the message second.

    Args:
        error: what was caught.
        output: the folder that was being written, for the message.

    Returns:
        The error to show, or None when `error` is not such a refusal.
    """
    number = _errno(error)
    if number is None or number not in _ADVICE:
        return None
    return DataError(
        f"Cannot write {output}: {os.strerror(number).lower()}; nothing was published, "
        f"{_ADVICE[number]} and run again."
    )


def _errno(error: BaseException | None) -> int | None:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        if isinstance(error, OSError) and error.errno is not None:
            return error.errno
        if match := _ERRNO_IN_TEXT.search(str(error)):
            return int(match.group(1))
        error = error.__cause__ or error.__context__
    return None


def told_in_words(command: Callable[..., int]) -> Callable[..., int]:
    """Make of a command's DataError or OSError one message and exit code 2, of Ctrl-C 130."""

    @functools.wraps(command)
    def told(*arguments: Any, **options: Any) -> int:
        try:
            return command(*arguments, **options)
        except DataError as error:
            print(error, file=sys.stderr)
            return 2
        except OSError as error:
            place = error.filename or "A file"
            print(
                f"{place} cannot be read or written: {error.strerror or error}; correct the path "
                "or its permissions and run again.",
                file=sys.stderr,
            )
            return 2
        except KeyboardInterrupt:
            print("Stopped; nothing was published.", file=sys.stderr)
            return 130

    return told
