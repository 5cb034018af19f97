"""Conditions under which tasks are triggered, in the part of CEL that TFX's compiler writes."""

import ast
import operator
import re
from collections.abc import Callable, Mapping
from typing import Any

from pipeline.jobs.states import Artifact, RehearsalError

# What CEL writes otherwise than Python does; a quoted string is matched to be left alone.
_CEL_TOKEN = re.compile(r"'[^']*'|&&|\|\||!(?!=)")
_PYTHON_TOKENS = {"&&": " and ", "||": " or ", "!": " not "}
_COMPARISONS: Mapping[type[ast.cmpop], Callable[[Any, Any], bool]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}


def holds(condition: str, artifacts: Mapping[str, list[Artifact]]) -> bool:
    """Evaluate a condition such as `inputs.artifacts['x'].artifacts[0].metadata['y'] == 1.0`.

    Args:
        condition: the task's trigger_policy.condition.
        artifacts: the task's input artifacts by input.

    Raises:
        RehearsalError: it asks for what is not there, or is in words that TFX does not use.
    """
    python = _CEL_TOKEN.sub(lambda match: _PYTHON_TOKENS.get(match[0], match[0]), condition)
    scope = {
        "artifacts": {
            name: {"artifacts": [vars(artifact) for artifact in listed]}
            for name, listed in artifacts.items()
        }
    }
    try:
        return bool(_value(ast.parse(python.strip(), mode="eval").body, scope))
    except (SyntaxError, LookupError, TypeError) as error:
        raise RehearsalError(f"The condition {condition} has no answer: {error}") from error


def _value(node: ast.expr, inputs: Mapping[str, Any]) -> Any:
    match node:
        case ast.Name("inputs"):
            return inputs
        case ast.Constant(value):
            return value
        case ast.Attribute(of, key):
            return _value(of, inputs)[key]
        case ast.Subscript(of, index):
            return _value(of, inputs)[_value(index, inputs)]
        case ast.UnaryOp(ast.Not(), operand):
            return not _value(operand, inputs)
        case ast.BinOp(left, ast.Add(), right):
            return _value(left, inputs) + _value(right, inputs)
        case ast.BoolOp(ast.And(), operands):
            return all(_value(operand, inputs) for operand in operands)
        case ast.BoolOp(ast.Or(), operands):
            return any(_value(operand, inputs) for operand in operands)
        case ast.Compare(left, [comparison], [right]):
            compare = _COMPARISONS[type(comparison)]
            return compare(_value(left, inputs), _value(right, inputs))
    raise SyntaxError(f"{ast.unparse(node)} is beyond what TFX's compiler writes")
