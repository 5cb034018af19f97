"""Keys and values as MLflow takes them: it refuses a whole request for one that does not fit."""

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any

KEY, VALUE, TAG = 250, 6000, 8000  # the most characters of a key, a parameter's value and a tag's
METRICS, OTHERS = 1000, 100  # the most metrics, parameters or tags of a request
_UNFIT = re.compile(r"[^/\w.\- :]")


def fit_key(key: str) -> str:
    """Return a key as MLflow takes it: itself, or one like it that no other key is made into."""
    # MLflow's stores may take it for a path: it leads nowhere else.
    fitted = "/".join(part for part in _UNFIT.sub("_", key).split("/") if part.strip("."))
    if fitted == key and 0 < len(key) <= KEY:
        return key
    digest = hashlib.sha256(key.encode()).hexdigest()[:8]
    return f"{fitted[: KEY - len(digest) - 1]}_{digest}"


def flatten(values: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    """Nested values as parameters: `gate.limits.mean_iou`. Lists are written as JSON has them."""
    flat: dict[str, str] = {}
    for name, value in values.items():
        if isinstance(value, Mapping):
            flat |= flatten(value, f"{prefix}{name}.")
        elif value is not None:
            flat[f"{prefix}{name}"] = value if isinstance(value, str) else json.dumps(value)
    return flat


def cut(value: str, most: int) -> str:
    """Return a text that is not longer than MLflow takes; one that is cut ends in an ellipsis."""
    return value if len(value) <= most else f"{value[: most - 1]}…"
