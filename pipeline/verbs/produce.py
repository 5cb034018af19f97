"""Puts the best staged version of a recipe's model into production, or one by its number."""

from pathlib import Path
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

_WAIT = 120.0  # seconds that a running server may take to load the version


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
    """Move the alias `champion`, and note who did it, from which version, when and why.

    Where a models.config says which versions a server reads from SERVING_DIR, the label `stable`
    moves first: a version that the server cannot load comes into production nowhere.

    Returns:
        0 when it is in production; 2 when there is none, no such metric, or it cannot be served.
    """
    from components.git import git_user
    from serving.errors import ServingError
    from tracking import stages
    from tracking.client import Connection

    if (metric is None) == (version is None):
        return fail("Name either a METRIC, or one version with --version N.", 2)
    if why is not None and not why.strip():
        return fail("--why is empty: say why this version goes into production.", 2)
    try:
        server = Connection(settings)
        chosen, reason = _choose(server, settings, metric, version)
        served = _serve(chosen)
        move = stages.produce(server, chosen, git_user(), (why or reason).strip())
    except (ValueError, ServingError) as error:
        return fail(str(error), 2)
    if as_json:
        print_json(
            {
                "model": chosen.model,
                "version": chosen.number,
                "from": move.origin if move else None,
                "new": bool(move),
                "served": served,
            }
        )
        return 0
    if move is None:
        print(f"Already in production: version {chosen.number} of {chosen.model}")
    else:
        place = f", in the place of version {move.origin}" if move.origin else ""
        print(f"Version {chosen.number} of {chosen.model} is in production{place}: {move.why}")
    if served:
        print(f"Served as stable: {served}")
        print(f"On the Hub: visionpipe publish --recipe {settings.recipe}")
    return 0


def _serve(chosen: "Version") -> str | None:
    """Has the label `stable` name a version that lies in a folder of which only some are served.

    Returns:
        The folder of the version; None where it lies elsewhere, or whichever is newest is served.
    """
    from serving import client, config, rollout

    folder = Path(chosen.source)
    if not folder.name.isdecimal() or config.read(folder.parent, chosen.model) is None:
        return None
    labels = rollout.choose(folder.parent, chosen.model, int(folder.name), None)
    rest = client.RestClient(client.URL, chosen.model, "")
    rollout.roll_out(folder.parent, chosen.model, labels, rest, _WAIT)
    return str(folder)


def _choose(
    server: "Connection", settings: RunsSettings, metric: str | None, number: int | None
) -> "tuple[Version, str]":
    """Return the version, and why it is that one."""
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
