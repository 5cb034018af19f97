"""Lists: their filters, their order, their pages."""

import re
from collections.abc import Callable, Mapping
from functools import reduce
from types import MappingProxyType
from typing import Any

from google.protobuf import json_format
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from .errors import invalid

PAGE_ITEMS = 100
# field=value, with "…" around the value or not; labels.key:* asks whether there is such a label.
_TERM = re.compile(r'\s*([\w.]+)\s*(!=|<=|>=|=|:|<|>)\s*("(?:[^"\\]|\\.)*"|[^\s"()]+)\s*')
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "=": lambda found, wanted: found == wanted,
    "!=": lambda found, wanted: found != wanted,
    ":": lambda found, wanted: found is not None if wanted == "*" else wanted in (found or ""),
    "<": lambda found, wanted: found is not None and found < wanted,
    ">": lambda found, wanted: found is not None and found > wanted,
    "<=": lambda found, wanted: found is not None and found <= wanted,
    ">=": lambda found, wanted: found is not None and found >= wanted,
}


def _field(message: Message, path: str) -> Any:
    # The JSON of a message has enums and times in the words in which filters have them.
    fields = json_format.MessageToDict(message, preserving_proto_field_name=True)
    found = reduce(lambda value, key: (value or {}).get(key), path.split("."), fields)
    return _moment(found) if found is not None and path.endswith("_time") else found


def _moment(text: str) -> int:
    moment = Timestamp()
    try:
        moment.FromJsonString(text)
    except ValueError:
        raise invalid(f"Invalid filter: '{text}' is no time of RFC 3339") from None
    return moment.ToNanoseconds()


def _parse(
    expression: str, message_type: type[Message], aliases: Mapping[str, str]
) -> list[tuple[str, str, Any]]:
    terms: list[tuple[str, str, Any]] = []
    position = 0
    while position < len(expression):
        if terms and (joint := re.compile(r"AND\b\s*").match(expression, position)):
            position = joint.end()
        term = _TERM.match(expression, position)
        if term is None:
            raise invalid(f"Invalid filter: cannot read '{expression[position:]}'")
        field, operator, value = term.groups()
        field = aliases.get(field, field)
        if field.split(".")[0] not in message_type.DESCRIPTOR.fields_by_name:
            raise invalid(f"Invalid filter: {message_type.DESCRIPTOR.name} has no field '{field}'")
        if value.startswith('"'):
            value = re.sub(r"\\(.)", r"\1", value[1:-1])
        terms.append((field, operator, _moment(value) if field.endswith("_time") else value))
        position = term.end()
    return terms


def page(
    messages: list[Message],
    request: Message,
    kind: type[Message],
    aliases: Mapping[str, str] = MappingProxyType({}),
) -> tuple[list, str]:
    """The part of a list that a List request asks for.

    Args:
        messages: All there are, oldest first.
        request: Has filter, page_size, page_token and maybe order_by.
        kind: The class of the messages.
        aliases: Where a message has what a filter calls otherwise.

    Returns:
        A page and the token of the next one.

    Raises:
        Refusal: INVALID_ARGUMENT when the filter, the order or the token cannot be read.
    """
    terms = _parse(request.filter, kind, aliases)
    chosen = [
        message
        for message in messages
        if all(
            _COMPARE[operator](_field(message, field), value) for field, operator, value in terms
        )
    ]
    order = getattr(request, "order_by", "") or "create_time desc"
    field, _, direction = order.partition(" ")
    if field not in kind.DESCRIPTOR.fields_by_name or direction.strip() not in ("", "asc", "desc"):
        raise invalid(f"Invalid order_by: '{order}'")
    ordered = [(_field(message, field), message) for message in chosen]
    ordered.sort(key=lambda pair: (pair[0] is not None, pair[0]), reverse="desc" in direction)
    chosen = [message for _, message in ordered]
    try:
        start = int(request.page_token or 0)
    except ValueError:
        raise invalid(f"Invalid page_token: '{request.page_token}'") from None
    end = start + (request.page_size or PAGE_ITEMS)
    return chosen[start:end], str(end) if end < len(chosen) else ""
