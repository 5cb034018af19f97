"""Shows what is in production of a recipe: since when, by whom, from which data, run and commit."""

from typing import TYPE_CHECKING, Any

from components.flags import with_settings
from pipeline.terminal import fail, print_json
from pipeline.tracked import RunsSettings
from pipeline.verbs.options import AsJson
from tfrecords.naming import show
from tracking.errors import TrackingError

if TYPE_CHECKING:
    from tracking.client import Connection
    from tracking.stages import Move, Production
    from tracking.versions import Version


@with_settings(RunsSettings)
def production(settings: RunsSettings, *, as_json: AsJson = False) -> int:
    """Print the version with the alias `champion`, and every move of that alias.

    Returns:
        0; 2 when nothing is in production.
    """
    from tracking.client import Connection
    from tracking.runs import check_recipe
    from tracking.stages import read_production

    try:
        recipe = settings.recipe_name()
        check_recipe(recipe)
        server = Connection(settings)
        found = read_production(server, recipe)
        if found.champion is None:
            return fail(
                f"Nothing of {recipe} is in production: put the best staged version there with "
                f"`visionpipe produce METRIC --recipe {settings.recipe}`.",
                2,
            )
        told = _describe(server, found, found.champion)
    except TrackingError as error:
        return fail(str(error), 2)
    if as_json:
        print_json(told)
    else:
        _show(told, found)
    return 0


def _describe(server: "Connection", found: "Production", champion: "Version") -> dict[str, Any]:
    from tracking import names
    from tracking.runs import find_run

    since = found.since.model_dump(mode="json") if found.since else {}
    told: dict[str, Any] = {
        "model": champion.model,
        "version": champion.number,
        "since": since.get("when", ""),
        "by": since.get("who", ""),
        "why": since.get("why", ""),
        "misses": champion.tags.get(names.MISSES, ""),
        "source": champion.source,
    }
    try:
        run = find_run(server, champion.run_id)
    except TrackingError as error:  # it was deleted, which is to be seen here
        told["run"] = str(error)
    else:
        told["run"] = run.name
        told["data"] = run.tag(names.DATA_VERSION) or run.tag(names.DATA_DIGEST)
        changed = run.tag(names.GIT_CLEAN) == "false"
        told["commit"] = run.tag(names.GIT_COMMIT) + (", modified" if changed else "")
        told["figures"] = run.figures
    return {**told, "moves": [move.model_dump(mode="json") for move in found.moves]}


def _show(told: dict[str, Any], found: "Production") -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console()
    rows = Table.grid(padding=(0, 2))
    lines = {
        "in production": f"version {told['version']} of {told['model']}",
        "since": _local(found.since) if found.since else "not known: another program did it",
        **{name: told.get(name, "") for name in ("by", "why", "misses", "data", "run", "commit")},
        "model": told["source"],
        "figures": ", ".join(f"{key} {one:.3f}" for key, one in told.get("figures", {}).items()),
    }
    for name, text in lines.items():
        if text:
            rows.add_row(name, Text(show(text), overflow="fold"))
    console.print(rows)
    table = Table(title="Moves, the newest first")
    for title in ("when", "by", "from", "to", "why"):
        table.add_column(title, overflow="fold")
    for move in found.moves:
        origin = str(move.origin or "none")
        cells = (_local(move), show(move.who), origin, str(move.target), show(move.why))
        table.add_row(*map(Text, cells))
    console.print(table)


def _local(move: "Move") -> str:
    return f"{move.when.astimezone():%Y-%m-%d %H:%M:%S %z}"
