"""Expressions of GitHub's workflows: `${{ … }}`."""

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

Functions = Mapping[str, Callable[..., Any]]

_TOKEN = re.compile(
    r"\s*(?:(?P<number>-?\d+(?:\.\d+)?)|(?P<text>'(?:[^']|'')*')"
    r"|(?P<name>[A-Za-z_][\w-]*(?:\.[A-Za-z_*][\w-]*)*)"
    r"|(?P<operator>==|!=|&&|\|\||[!(),]))"
)
_LITERALS = {"true": True, "false": False, "null": None}
_EMBEDDED = re.compile(r"\$\{\{(.*?)\}\}", re.DOTALL)


def interpolate(template: Any, contexts: Mapping[str, Any], functions: Functions) -> str:
    """A YAML value with its expressions replaced by what they come to."""
    if not isinstance(template, str):
        return as_text(template)
    return _EMBEDDED.sub(lambda found: as_text(evaluate(found[1], contexts, functions)), template)


def evaluate(expression: str, contexts: Mapping[str, Any], functions: Functions) -> Any:
    """What an expression comes to."""
    tokens, end = [], 0
    expression = expression.strip()
    while end < len(expression):
        found = _TOKEN.match(expression, end)
        if not found:
            raise ValueError(f"{expression!r} cannot be read from {end}")
        tokens.append((found.lastgroup, found[found.lastgroup or 0]))
        end = found.end()
    parser = _Parser(tokens, contexts, {**_FUNCTIONS, **functions})
    value = parser.either()
    if parser.tokens:
        raise ValueError(f"{expression!r} goes on after its end: {parser.tokens}")
    return value


def as_text(value: Any) -> str:
    """A value as it stands in a string."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    return value if isinstance(value, str) else json.dumps(value)


def _equal(left: Any, right: Any) -> bool:
    if isinstance(left, str) and isinstance(right, str):
        return left.lower() == right.lower()
    return left == right or (left in (None, "") and right in (None, ""))


def _format(template: str, *values: Any) -> str:
    return re.sub(r"\{(\d+)\}", lambda found: as_text(values[int(found[1])]), template)


_FUNCTIONS: Functions = {
    "format": _format,
    "toJSON": json.dumps,
    "startsWith": lambda text, start: text.lower().startswith(start.lower()),
    "contains": lambda whole, part: part.lower() in whole.lower(),
}


class _Parser:
    """By descent, each method a level of precedence; all operands are evaluated."""

    def __init__(
        self,
        tokens: list[tuple[str | None, str]],
        contexts: Mapping[str, Any],
        functions: Functions,
    ) -> None:
        self.tokens = tokens
        self._contexts = contexts
        self._functions = functions

    def either(self) -> Any:
        value = self._both()
        while self._take("||"):
            other = self._both()
            value = value or other
        return value

    def _both(self) -> Any:
        value = self._comparison()
        while self._take("&&"):
            other = self._comparison()
            value = value and other
        return value

    def _comparison(self) -> Any:
        value = self._not()
        while operator := self._take("==", "!="):
            value = _equal(value, self._not()) is (operator == "==")
        return value

    def _not(self) -> Any:
        return not self._not() if self._take("!") else self._operand()

    def _operand(self) -> Any:
        if self._take("("):
            value = self.either()
            self._expect(")")
            return value
        kind, text = self.tokens.pop(0)
        if kind == "number":
            return float(text) if "." in text else int(text)
        if kind == "text":
            return text[1:-1].replace("''", "'")
        if kind != "name":
            raise ValueError(f"{text!r} is no operand")
        if self._take("("):
            return self._call(text)
        if text in _LITERALS:
            return _LITERALS[text]
        first, *rest = text.split(".")
        value = self._contexts[first]  # a context that is not there is a mistake
        for key in rest:
            value = value.get(key) if isinstance(value, Mapping) else None
        return value

    def _call(self, name: str) -> Any:
        arguments = []
        while not self._take(")"):
            arguments.append(self.either())
            self._take(",")
        return self._functions[name](*arguments)

    def _take(self, *operators: str) -> str | None:
        if self.tokens and self.tokens[0][0] == "operator" and self.tokens[0][1] in operators:
            return self.tokens.pop(0)[1]
        return None

    def _expect(self, operator: str) -> None:
        if not self._take(operator):
            raise ValueError(f"{operator!r} is missing before {self.tokens}")
