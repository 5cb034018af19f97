"""What the command lines say to a person."""

import json
import math
import re
import textwrap
from collections.abc import Mapping
from typing import Any

_LONGEST = 1000  # characters that a person reads of an error
_BYTES = re.compile(r"""\bb(['"])(?:\\.|(?!\1)[^\\])*(?:\1|$)""", re.DOTALL)
_SHORT = 40  # characters of bytes that may be told
# What libraries put around or in the place of a reason, and what is told of it.
_NOISE = (
    (r"(?s)\b\w+ \{\n(?:.*\}|.*)", "{…}"),  # a protocol buffer
    (r"Graph execution error:\s*", ""),
    (r"Detected at node .*defined at \(most recent call last\):\n(?:[ <].*\n)*", ""),
    (r"\{\{function_node [^}]*\}\} ?", ""),
    (r"\s*\[\[.*?\]\]|\s*\[Op:[^]]*\](?: name: \S*)?", ""),
)


def fail(message: str, status: int) -> int:
    """Print why something ends, in one sentence; return the exit status for it."""
    _print(message, "red")
    return status


def readable(error: BaseException) -> str:
    """Return an error's message, if need be cut, without what nobody reads.

    That is images, protocol buffers and places in TensorFlow's graph. Of a message that is cut,
    what was raised from another error says that one's as well: the reason tends to be there.
    """
    message = str(error)
    if len(message) <= _LONGEST:
        return _reason(message)
    chain = [error]
    while follows := chain[-1].__cause__ or chain[-1].__context__:
        chain.append(follows)
    causes = [str(one.__cause__) for one in chain if one.__cause__]
    parts = [_reason(part) for part in [message, *causes[:1]]]
    return " Cause: ".join(textwrap.shorten(part, _LONGEST, placeholder=" …") for part in parts)


def _reason(message: str) -> str:
    shown = _BYTES.sub(lambda found: found[0] if len(found[0]) <= _SHORT else "b'…'", message)
    for pattern, told in _NOISE:
        shown = re.sub(pattern, told, shown)
    return shown.strip()


def tell(message: str) -> None:
    """Print what a person should know beside what was asked for, in one sentence."""
    _print(message, "yellow")


def _print(message: str, style: str) -> None:
    from rich.console import Console  # takes long to import

    Console(stderr=True, soft_wrap=True).print(message, style=style, markup=False, highlight=False)


def print_json(document: Any) -> None:
    """Print a document for programs; figures that are no number are null."""
    print(json.dumps(_without_nan(document), indent=2, default=str))


def _without_nan(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _without_nan(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_without_nan(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
