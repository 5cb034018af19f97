"""Names what is wrong or missing before a run."""

import argparse

from rich.console import Console

from pipeline.configs import load_settings
from pipeline.terminal import fail


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the verb's arguments."""
    parser.add_argument(
        "--engine", choices=["local", "vertex"], default="local", help="default: local"
    )


def run(arguments: argparse.Namespace) -> int:
    """Prints what a run would meet; returns 0, or 2 when something must be mended first."""
    if arguments.engine == "vertex":
        from pipeline.vertex.check import check_vertex as check
    else:
        from pipeline.check import check_local as check

    console = Console(soft_wrap=True)
    try:
        for line in check(load_settings()):
            console.print(f"[green]ok[/] {line}")
    except ValueError as error:
        return fail(str(error), 2)
    return 0
