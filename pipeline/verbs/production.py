"""Shows what is in production of a recipe: since when, by whom, from which data, run and commit."""

from typing import TYPE_CHECKING, Any

from pydantic_settings import BaseSettings, SettingsConfigDict

from components.flags import with_settings
from pipeline.terminal import fail, print_json
from pipeline.tracked import RecipeConfig
from pipeline.verbs.options import AsJson
from tracking.config import ServerConfig
from tracking.errors import TrackingError

if TYPE_CHECKING:
    from tracking.client import Connection
    from tracking.stages import Move, Production
    from tracking.versions import Version


class _Settings(BaseSettings, ServerConfig, RecipeConfig):
    model_config = SettingsConfigDict(env_file=".env", extra="ignore", env_ignore_empty=True)


@with_settings(_Settings)
def production(settings: _Settings, *, as_json: AsJson = False) -> int:
    """Prints the version with the alias `champion`, and every move of that alias.

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
        _show(told, found.moves)
    return 0


def _describe(server: "Connection", found: "Production", champion: "Version") -> dict[str, Any]:
    from dataclasses import asdict

    from tracking import names
    from tracking.runs import find_run

    since, tags = found.since, champion.tags
    told: dict[str, Any] = {
        "model": champion.model,
        "version": champion.number,
        "since": since.when if since else "",
        "by": since.who if since else "",
        "why": since.why if since else "",
        "misses": tags.get(names.MISSES, ""),
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
    return {**told, "moves": [asdict(move) for move in found.moves]}


def _show(told: dict[str, Any], moves: "tuple[Move, ...]") -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console()
    rows = Table.grid(padding=(0, 2))
    lines = {
        "in production": f"version {told['version']} of {told['model']}",
        "since": _local(told["since"]) if told["since"] else "not known: another program did it",
        **{name: told.get(name, "") for name in ("by", "why", "misses", "data", "run", "commit")},
        "model": told["source"],
        "figures": ", ".join(f"{key} {one:.3f}" for key, one in told.get("figures", {}).items()),
    }
    for name, text in lines.items():
        if text:
            rows.add_row(name, Text(text, overflow="fold"))
    console.print(rows)
    table = Table(title="Moves, the newest first")
    for title in ("when", "by", "from", "to", "why"):
        table.add_column(title, overflow="fold")
    for move in moves:
        cells = (
            _local(move.when),
            move.who,
            str(move.origin or "none"),
            str(move.target),
            move.why,
        )
        table.add_row(*map(Text, cells))
    console.print(table)


def _local(when: str) -> str:
    from datetime import datetime

    return f"{datetime.fromisoformat(when).astimezone():%Y-%m-%d %H:%M:%S %z}"
