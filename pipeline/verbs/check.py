"""Names what is wrong or missing before a run."""

from typing import Annotated

import typer

from components.flags import with_settings
from pipeline.configs import Settings
from pipeline.terminal import fail, print_json
from pipeline.verbs.options import AsJson, Engine

_UNBUILT = f"unbuilt@sha256:{'0' * 64}"


@with_settings(Settings)
def check(
    settings: Settings,
    *,
    engine: Engine = "local",
    before_image: Annotated[
        bool, typer.Option("--before-image", help="Check all but PIPELINE_IMAGE, not yet built.")
    ] = False,
    as_json: AsJson = False,
) -> int:
    """Print what a run would meet; return 0, or 2 when something must be mended first."""
    if before_image:
        settings = settings.model_copy(update={"pipeline_image": _UNBUILT})
    if engine == "vertex":
        from pipeline.vertex.check import check_vertex as look
    else:
        look = _check_local

    passed: list[str] = []
    problem = None
    try:
        passed = look(settings)
    except ValueError as error:
        problem = str(error)
    if as_json:
        print_json({"engine": engine, "ready": not problem, "passed": passed, "problem": problem})
    else:
        from rich.console import Console
        from rich.text import Text

        console = Console(soft_wrap=True)
        for line in passed:
            console.print(Text.assemble(("ok", "green"), f" {line}"))
    return fail(problem, 2) if problem else 0


def _check_local(settings: Settings) -> list[str]:
    from pipeline.checks.local import check_local
    from pipeline.data_version import with_data

    return check_local(with_data(settings))
