"""Puts the best staged version of a recipe's model into production, or one by its number."""

from typing import TYPE_CHECKING, Annotated

import typer

from components.flags import with_settings
from pipeline.terminal import fail, print_json
from pipeline.tracked import RunsSettings
from pipeline.verbs.options import AsJson, MetricOrNone
from tracking.errors import TrackingError

if TYPE_CHECKING:
    from tracking.client import Connection
    from tracking.versions import Version


@with_settings(RunsSettings)
def produce(
    settings: RunsSettings,
    metric: MetricOrNone = None,
    *,
    version: Annotated[
        int | None,
        typer.Option(min=1, help="The staged version of this number, as to go back to it."),
    ] = None,
    why: Annotated[str | None, typer.Option(metavar="TEXT", help="The reason to note.")] = None,
    as_json: AsJson = False,
) -> int:
    """Moves the alias `champion`, and notes who did it, from which version, when and why.

    Returns:
        0 when it is in production; 2 when there is none, or no such metric.
    """
    from components.git import git_user
    from tracking import stages
    from tracking.client import Connection

    if (metric is None) == (version is None):
        return fail("Name either a METRIC, or one version with --version N.", 2)
    if why is not None and not why.strip():
        return fail("--why is empty: say why this version goes into production.", 2)
    try:
        server = Connection(settings)
        chosen, reason = _choose(server, settings, metric, version)
        move = stages.produce(server, chosen, git_user(), (why or reason).strip())
    except ValueError as error:
        return fail(str(error), 2)
    if as_json:
        origin = move.origin if move else None
        told = {"model": chosen.model, "version": chosen.number, "from": origin, "new": bool(move)}
        print_json(told)
        return 0
    if move is None:
        print(f"Already in production: version {chosen.number} of {chosen.model}")
        return 0
    place = f", in the place of version {move.origin}" if move.origin else ""
    print(f"Version {chosen.number} of {chosen.model} is in production{place}: {move.why}")
    return 0


def _choose(
    server: "Connection", settings: RunsSettings, metric: str | None, number: int | None
) -> "tuple[Version, str]":
    """The version, and why it is that one."""
    from pipeline.ranked import find_best
    from tracking import names
    from tracking.versions import list_versions

    recipe = settings.recipe_name()
    staged = list_versions(server, recipe, names.STAGING)
    if not staged:
        raise TrackingError(
            f"No version of {recipe} is staged: stage the best one with `visionpipe stage METRIC "
            f"--recipe {settings.recipe}`."
        )
    if number is not None:
        named = [one for one in staged if one.number == number]
        if not named:
            numbers = ", ".join(str(one.number) for one in staged)
            raise TrackingError(
                f"Version {number} of {recipe} is not staged; these are: {numbers}."
            )
        return named[0], "chosen by its number"
    best = find_best(server, staged, str(metric))
    return best.version, f"the best {best.metric} of those staged, {best.value:.3f}"
