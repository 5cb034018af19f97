"""What all command lines share: how they look, and how a command ends."""

from __future__ import annotations

import functools
import importlib
import inspect
import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import typer
from typer.core import TyperCommand

Command = Callable[..., int]


def make_app(what: str) -> typer.Typer:
    """Make a command line without commands.

    Args:
        what: its description, in Rich's markup.
    """
    return typer.Typer(
        help=what,
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode="rich",
    )


def add_command(
    app: typer.Typer,
    name: str | None = None,
    *,
    what: str | None = None,
    told: Mapping[type[Exception], int] | None = None,
    **keywords: Any,
) -> Callable[[Command], Command]:
    """Add a function to a command line; what it returns is the exit code.

    Args:
        app: the command line.
        name: of the command; by default the function's.
        what: its description, as a docstring is written.
        told: errors whose message is for the user, and the exit codes that they stand for.
        **keywords: as `typer.Typer.command` takes them.
    """

    def add(command: Command) -> Command:
        @functools.wraps(command)
        def ended(*arguments: Any, **options: Any) -> None:
            try:
                status = command(*arguments, **options)
            except tuple(told or {}) as error:
                status = next(
                    code for kind, code in (told or {}).items() if isinstance(error, kind)
                )
                # Rich, which takes long to import, would say it no better.
                typer.secho(str(error), err=True, fg=typer.colors.RED)
            raise typer.Exit(status)

        keywords["help"] = _paragraphs(what or "")
        title = name or command.__name__.replace("_", "-")

        def make() -> typer.Typer:
            alone = make_app("")
            alone.command(title, **keywords)(ended)
            return alone

        app.command(title, cls=_made_when_run(make), **keywords)(lambda: None)
        return command

    return add


def _paragraphs(text: str) -> str:
    """Return a text as Rich is to show it: a line for each paragraph, and brackets as they are."""
    paragraphs = inspect.cleandoc(text).replace("[", r"\[").split("\n\n")
    return "\n\n".join(
        inspect.cleandoc(one) if one.startswith(" ") else one.replace("\n", " ")
        for one in paragraphs
    )


def add_group(app: typer.Typer, name: str, what: str, module: str) -> None:
    """Add a command line to another one, as a command that has commands.

    Args:
        app: the command line.
        name: of the command.
        what: its description.
        module: has the added one by the name `app`, and is imported when that is run.
    """
    made = _made_when_run(lambda: importlib.import_module(module).app)
    app.command(name, cls=made, help=what)(lambda: None)


def _made_when_run(make: Callable[[], typer.Typer]) -> type[TyperCommand]:
    """Return a command that is only listed before it runs: a group lists many, and runs one.

    Args:
        make: the command line that runs.
    """

    class Command(TyperCommand):
        def make_context(
            self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any
        ) -> Any:
            whole = typer.main.get_command(make())
            return whole.make_context(info_name, args, parent, **extra)

        def invoke(self, ctx: Any) -> Any:
            return ctx.command.invoke(ctx)

    return Command


def run(app: typer.Typer, program: str, arguments: Sequence[str] | None = None) -> int:
    """Run a command line.

    Args:
        app: the command line.
        program: what the user typed to begin it, for its messages.
        arguments: what follows; by default what the process was given.

    Returns:
        The exit code.
    """
    try:
        app(args=arguments, prog_name=program)
    except SystemExit as ended:
        return int(ended.code or 0)
    raise AssertionError("A command line ends with an exit code.")


def _expand_home(path: str | None) -> str | None:
    """Return a shell leaves the ~ of --images=~/photos."""
    return os.path.expanduser(path) if path else path


def path_option(what: str, metavar: str = "DIR") -> Any:
    """Return an option whose value is a path, local or gs://."""
    return typer.Option(help=what, metavar=metavar, callback=_expand_home)
