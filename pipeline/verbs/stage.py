"""Stages the best registered version of a recipe's model, for production to be chosen from."""

from components.flags import with_settings
from pipeline.terminal import fail, print_json
from pipeline.tracked import RunsSettings
from pipeline.verbs.options import AsJson, Metric


@with_settings(RunsSettings)
def stage(settings: RunsSettings, metric: Metric, *, as_json: AsJson = False) -> int:
    """Tag it `stage=staging`; others that are staged stay so.

    Returns:
        0 when it is staged; 2 when there is none, or no such metric.
    """
    from components.git import git_user
    from pipeline.ranked import find_best
    from tracking import names, stages
    from tracking.client import Connection
    from tracking.versions import list_versions

    try:
        recipe = settings.recipe_name()
        server = Connection(settings)
        registered = list_versions(server, recipe, names.REGISTERED, names.STAGING)
        if not registered:
            return fail(
                f"No version of {recipe} is registered: register a run's model with `visionpipe "
                f"register --recipe {settings.recipe}`.",
                2,
            )
        best = find_best(server, registered, metric)
        new = stages.stage(server, best.version, git_user(), best.words)
    except ValueError as error:
        return fail(str(error), 2)
    if as_json:
        print_json(
            {
                "model": recipe,
                "version": best.version.number,
                "run": best.run.id,
                "metric": metric,
                "value": best.value,
                "new": new,
            }
        )
        return 0
    what = "Staged" if new else "Already staged:"
    print(f"{what} version {best.version.number} of {recipe}, {best.words}, run {best.run.name}")
    return 0
