"""Flags of command lines, a flag for each setting, made of the settings' own definitions."""

import functools
import inspect
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

import typer
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings

from components.settings import name_flag, read_settings
from tfrecords.command_line import Command


def with_settings(
    kind: type[BaseSettings],
    aliases: Mapping[str, str] = MappingProxyType({}),
    complete: Callable[[Mapping[str, Any]], Mapping[str, Any]] = lambda given: {},
) -> Callable[[Command], Command]:
    """Give a command a flag for each setting, in place of its first parameter.

    The command is called with the settings: those of the flags, of the environment and of `.env`.
    It raises SettingsError when one of them is wrong.

    Args:
        kind: the settings' class. The configuration `title` of the class that declares a setting
            heads it in the command's help.
        aliases: a second flag by the setting's name.
        complete: returns more flags, of the command's own arguments, before settings are read.
    """

    def give(command: Command) -> Command:
        _, *own = inspect.signature(command, eval_str=True).parameters.values()
        parameters = [
            *(parameter.replace(kind=parameter.KEYWORD_ONLY) for parameter in own),
            *_flags(kind, tuple(aliases.items())),
        ]

        @functools.wraps(command)
        def filled(**given: Any) -> int:
            values = {name: given.pop(name) for name in kind.model_fields}
            flags = {name: value for name, value in values.items() if value not in (None, "")}
            flags |= complete({**given, **flags})
            return command(read_settings(kind, ".env", flags), **given)

        filled.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        filled.__annotations__ = {one.name: one.annotation for one in parameters}
        return filled

    return give


def find_group(kind: type[BaseSettings], name: str) -> str:
    """Return the title of the class that declares a setting."""
    groups = [base for base in kind.__mro__ if issubclass(base, BaseModel)]
    [group] = [base for base in groups if name in vars(base).get("__annotations__", ())]
    return group.model_config["title"] or ""


@functools.cache
def _flags(
    kind: type[BaseSettings], aliases: tuple[tuple[str, str], ...]
) -> tuple[inspect.Parameter, ...]:
    """Return the flags of a class's settings, those of its own title first."""
    hints, seconds = get_type_hints(kind), dict(aliases)
    title = kind.model_config.get("title")
    names = sorted(kind.model_fields, key=lambda name: find_group(kind, name) != title)
    return tuple(
        _flag(name, seconds.get(name), kind.model_fields[name], hints[name], find_group(kind, name))
        for name in names
    )


def _flag(
    name: str, alias: str | None, field: FieldInfo, hint: Any, group: str
) -> inspect.Parameter:
    """Hand the flag's text on: all settings are checked together."""
    types = {hint, *get_args(hint)}
    switch = bool in types
    option = typer.Option(
        f"{name_flag(name)}/{name_flag(f'no_{name}')}" if switch else name_flag(name),
        *([alias] if alias else []),
        help=(field.description or "").replace("[", r"\["),  # which Rich would read
        metavar=None if switch else _metavar(types),
        show_default=False if switch else _shown(field),
        rich_help_panel=group,
    )
    text = bool if switch else str
    return inspect.Parameter(
        name,
        inspect.Parameter.KEYWORD_ONLY,
        default=None,
        annotation=Annotated[text | None, option],
    )


def _shown(field: FieldInfo) -> str | bool:
    """Return the default that the help shows; the description tells of one that others give."""
    return str(field.default) if field.default_factory is None and field.default else False


def _metavar(types: set[Any]) -> str:
    for one in types:
        if get_origin(one) is Literal:
            return "|".join(get_args(one))
    if int in types:
        return "INTEGER"
    return "NUMBER" if float in types else "TEXT"
