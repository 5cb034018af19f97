"""The rules for names and labels that hold for all resources."""

import re
from collections.abc import Mapping

from .errors import invalid

NAME_LIMIT = 128
LABELS_LIMIT = 64
# Lower case of any script, as Google Cloud's labels are.
_KEY = re.compile(r"(?!.*[A-Z])[^\W\d_][\w-]{0,62}")
_VALUE = re.compile(r"(?!.*[A-Z])[\w-]{0,63}")
_ENCODED_LIMIT = 128  # bytes of UTF-8


def check_display_name(name: str) -> None:
    """Refuses a display name that is empty or too long.

    Raises:
        Refusal: INVALID_ARGUMENT.
    """
    if not 1 <= len(name) <= NAME_LIMIT:
        raise invalid(
            f"Invalid display_name: found {len(name)} characters, expected 1 to {NAME_LIMIT}."
        )


def check_labels(labels: Mapping[str, str]) -> None:
    """Refuses labels that break the rules for labels.

    Raises:
        Refusal: INVALID_ARGUMENT.
    """
    if len(labels) > LABELS_LIMIT:
        raise invalid(f"Invalid labels: found {len(labels)}, expected at most {LABELS_LIMIT}.")
    for key, value in labels.items():
        if not _KEY.fullmatch(key) or len(key.encode()) > _ENCODED_LIMIT:
            raise invalid(
                f"Invalid label key '{key}': expected a lowercase letter, then lowercase letters, "
                "digits, '_' and '-', at most 63 characters in all."
            )
        if not _VALUE.fullmatch(value) or len(value.encode()) > _ENCODED_LIMIT:
            raise invalid(
                f"Invalid value '{value}' of label '{key}': expected lowercase letters, digits, "
                "'_' and '-', at most 63 characters."
            )
