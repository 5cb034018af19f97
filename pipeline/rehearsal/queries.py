"""Resolvers' queries: filters over the artifacts that earlier runs left."""

import re
from typing import Any

from pipeline.jobs.states import Artifact, RehearsalError

_CLAUSE = re.compile(
    r"\s*(?P<field>schema_title|state|name|uri|metadata\.(?P<key>[^.=\s]+)\.(number|string)_value)"
    r'\s*=\s*(?:"(?P<text>[^"]*)"|(?P<word>[^\s"]+))\s*(?:AND\b|$)'
)


def matches(query: str, artifact: Artifact) -> bool:
    """Tell whether an artifact, live as all stored ones are, fits a filter: equations with AND.

    Raises:
        RehearsalError: the filter says more than TFX's compiler writes.
    """
    position = 0
    while position < len(query):
        clause = _CLAUSE.match(query, position)
        if clause is None:
            raise RehearsalError(f"The query {query!r} is beyond what TFX's compiler writes.")
        wanted = clause["word"] if clause["text"] is None else clause["text"]
        if not _equal(_field(artifact, clause), wanted):
            return False
        position = clause.end()
    return True


def _field(artifact: Artifact, clause: re.Match[str]) -> Any:
    if clause["key"] is not None:
        return artifact.metadata.get(clause["key"])
    if clause["field"] == "state":
        return "LIVE"
    return getattr(artifact, clause["field"])


def _equal(value: Any, wanted: str) -> bool:
    if isinstance(value, float | int):
        try:
            return float(wanted) == value
        except ValueError:
            return False
    return value == wanted
