"""Says whether modules, and names in them, are there, without importing any.

A script, run as steps are run: its argument is a JSON list of [MODULE, NAME or null], and it prints
a JSON list of what is wrong with each, or null.
"""

import ast
import difflib
import json
import sys
from collections.abc import Iterator
from importlib.machinery import ModuleSpec
from importlib.util import module_from_spec


def problem(module: str, name: str | None) -> str | None:
    """Return what keeps a step from using a name in a module."""
    spec = None
    parts = module.split(".")
    for end in range(1, len(parts) + 1):
        path = spec.submodule_search_locations if spec else None
        if spec is not None and path is None:
            return f"{spec.name} is no package"
        spec = _find(".".join(parts[:end]), path)
        if spec is None:
            return f"there is no module {'.'.join(parts[:end])}"
        if spec.submodule_search_locations is not None:
            # Not executed: the finder of packages without __init__.py asks for the one around.
            sys.modules[spec.name] = module_from_spec(spec)
    if name is None or spec is None or not (spec.origin or "").endswith(".py"):
        return None
    with open(spec.origin or "", "rb") as source:
        try:
            names = set(_bound(ast.parse(source.read())))
        except SyntaxError as error:
            return f"{spec.origin}, line {error.lineno}: {error.msg}"
    if names & {name, "*", "__getattr__"}:
        return None
    close = difflib.get_close_matches(name, names, 1)
    return f"{spec.origin} has no {name}" + (f", but {close[0]}" if close else "")


def _find(module: str, path: list[str] | None) -> ModuleSpec | None:
    # importlib.util.find_spec would import the packages around the module, which may take long.
    specs = (finder.find_spec(module, path) for finder in sys.meta_path)
    return next(filter(None, specs), None)


def _bound(node: ast.AST) -> Iterator[str]:
    """Yield the names that a module's own code binds; `*` where it imports all of another's."""
    for child in ast.iter_child_nodes(node):
        match child:
            case ast.FunctionDef(name) | ast.AsyncFunctionDef(name) | ast.ClassDef(name):
                yield name
            case ast.alias(name, as_name):
                yield as_name or name.partition(".")[0]
            case ast.Name(name, ast.Store()):
                yield name
            case _:
                yield from _bound(child)


if __name__ == "__main__":
    print(json.dumps([problem(module, name) for module, name in json.loads(sys.argv[1])]))
