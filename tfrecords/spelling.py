"""Names that are written almost right."""

from __future__ import annotations

import os
from collections.abc import Iterable


def find_misspelt(given: str, known: Iterable[str]) -> str | None:
    """Return the first known name that another one is one letter off, or None.

    A letter is missing, too many, or another, or two neighbours have changed places.
    """
    return next((name for name in known if _is_one_letter_off(given, name)), None)


def _is_one_letter_off(given: str, known: str) -> bool:
    same = _length_of_common_start(given, known)
    given, known = given[same:][::-1], known[same:][::-1]
    same = _length_of_common_start(given, known)
    given, known = given[same:], known[same:]
    longest = max(len(given), len(known))
    return longest == 1 or (longest == 2 and given == known[::-1])


def _length_of_common_start(one: str, other: str) -> int:
    return len(os.path.commonprefix([one, other]))  # noqa: RUF071  # of any texts, not of paths
