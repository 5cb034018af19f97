"""Registers the model of a recorded run with MLflow, if it meets its recipe's limits."""

from typing import TYPE_CHECKING, Annotated

import typer

from components.flags import with_settings
from pipeline.terminal import fail, print_json, tell
from pipeline.tracked import RunsSettings
from pipeline.verbs.options import REFUSED, AsJson, RunId
from tracking.errors import TrackingError

if TYPE_CHECKING:
    from tracking.client import Connection
    from tracking.runs import TrackedRun


@with_settings(RunsSettings)
def register(
    settings: RunsSettings,
    *,
    run: RunId = None,
    manual: Annotated[
        bool,
        typer.Option(
            "--manual",
            help="Choose the run by hand, from a list where --run names none: also one that "
            "misses a limit, which is noted with the reason.",
        ),
    ] = False,
    why: Annotated[
        str | None,
        typer.Option(metavar="TEXT", help="The reason to note. With --manual, asked for if unset."),
    ] = None,
    as_json: AsJson = False,
) -> int:
    """Make a version of the registered model of the recipe's name, where it stays.

    The run is by default the newest finished one of the recipe.

    Returns:
        0 when there is a version; 2 when the run cannot be found or has no model; 3 when it misses
        a limit and was not chosen by hand; 130 when interrupted.
    """
    from tracking.client import Connection

    try:
        recipe = settings.recipe_name()
        server = Connection(settings)
        chosen = _choose(server, recipe, run, manual)
        misses = _misses(server, chosen)
        if misses and not manual:
            return fail(
                f"Run {chosen.name} is not registered: {'; '.join(misses)}. Choose another, or "
                "register it by hand with --manual.",
                REFUSED,
            )
        reason = _reason(chosen, misses, manual, why)
        return _register(server, chosen, misses, reason, as_json)
    except TrackingError as error:
        return fail(str(error), 2)
    except KeyboardInterrupt:
        return fail("Stopped; nothing was registered.", 130)


def _choose(server: "Connection", recipe: str, run: str | None, manual: bool) -> "TrackedRun":
    from pipeline.tracked import choose_run, no_run
    from tracking import names
    from tracking.runs import find_run, list_runs

    if run:
        chosen = find_run(server, run)
    elif manual:
        chosen = choose_run(server, recipe, "--manual")
    else:
        newest = next(list_runs(server, recipe), None)
        if newest is None:
            raise no_run(server, recipe)
        chosen = newest
    if chosen.tag(names.COMPARISON):
        raise TrackingError(
            f"Run {chosen.name} is one of `visionpipe zoo`, whose networks no gate has judged: "
            "train the one that you choose with `visionpipe train`, and register that."
        )
    if not chosen.tag(names.MODEL_URI):
        raise TrackingError(
            f"Run {chosen.name} has no model that was pushed (it is {chosen.status}); choose "
            "another."
        )
    return chosen


def _misses(server: "Connection", run: "TrackedRun") -> list[str]:
    """Why a model is not registered without a reason; empty where nothing is against it."""
    from pipeline.results.limits import tell_misses
    from pipeline.tracked import read_recipe
    from tracking import names
    from tracking.runs import FINISHED

    misses = tell_misses(read_recipe(server, run), run.figures)
    if not run.blessed:
        refusals = run.tag(names.REFUSALS)
        misses.append(f"the gate did not bless it{refusals and f' ({refusals})'}")
    if run.status != FINISHED:
        misses.append(f"the run is {run.status}")
    return misses


def _reason(run: "TrackedRun", misses: list[str], manual: bool, why: str | None) -> str:
    """Return what is noted; where there is none and one is needed, it is asked for."""
    if why is not None and not why.strip():
        raise TrackingError("--why is empty: say why this model is registered.")
    if why:
        return why.strip()
    if not manual:
        return "it meets its recipe's limits"
    from pipeline.tracked import ask, require_terminal

    require_terminal("--manual", "give the reason with --why TEXT")
    for miss in misses:
        tell(f"Run {run.name}: {miss}.")
    return ask("Why is it registered")


def _register(
    server: "Connection", run: "TrackedRun", misses: list[str], reason: str, as_json: bool
) -> int:
    from components.git import git_user
    from tracking import names, versions

    told = {names.REGISTERED_BY: git_user(), names.REASON: reason}
    if misses:
        told[names.MISSES] = "; ".join(misses)
    version, new = versions.register(server, run, told)
    if as_json:
        print_json(
            {
                "model": version.model,
                "version": version.number,
                "source": version.source,
                "run": run.id,
                "new": new,
                "misses": misses,
                "tags": version.tags,
            }
        )
        return 0
    from rich.console import Console

    what = "Registered" if new else "Already registered:"
    Console(soft_wrap=True).print(
        f"{what} version {version.number} of {version.model}, run {run.name}, {version.source}",
        markup=False,
        highlight=False,
    )
    return 0
