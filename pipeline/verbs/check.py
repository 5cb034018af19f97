"""Names what is wrong or missing before a run."""

import argparse

from rich.console import Console

from pipeline.configs import load_settings
from pipeline.terminal import fail

_UNBUILT = f"unbuilt@sha256:{'0' * 64}"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the verb's arguments."""
    parser.add_argument(
        "--engine", choices=["local", "vertex"], default="local", help="default: local"
    )
    parser.add_argument(
        "--before-image", action="store_true", help="check all but PIPELINE_IMAGE, not yet built"
    )


def run(arguments: argparse.Namespace) -> int:
    """Prints what a run would meet; returns 0, or 2 when something must be mended first."""
    if arguments.engine == "vertex":
        from pipeline.vertex.check import check_vertex as check
    else:
        from pipeline.check import check_local as check

    console = Console(soft_wrap=True)
    image = {"pipeline_image": _UNBUILT} if arguments.before_image else {}
    try:
        for line in check(load_settings(**image)):
            console.print(f"[green]ok[/] {line}")
    except ValueError as error:
        return fail(str(error), 2)
    return 0
