"""What verbs that read recorded runs share: settings, recipes, and the choice of a run by hand."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from pipeline.recipe import Recipe
from tracking import names
from tracking.client import Connection
from tracking.config import ServerConfig
from tracking.errors import TrackingError
from tracking.runs import TrackedRun, list_runs, read_artifact

if TYPE_CHECKING:
    from rich.table import Table

_LISTED = 20


class RecipeConfig(BaseModel):
    """Whose runs are looked for."""

    model_config = ConfigDict(title="Recorded runs")

    recipe: str = Field(
        "scenes",
        description="Recipe of the runs: the name that they were recorded by, or the path of its "
        "TOML file.",
    )

    def recipe_name(self) -> str:
        """Return the name of the recipe, whose file need not be there.

        Raises:
            SettingsError: it is a file, and none of a recipe.
        """
        if not self.recipe.endswith(".toml"):
            return self.recipe
        from pipeline.recipes import load_recipe

        return load_recipe(self.recipe).name


class RunsSettings(BaseSettings, ServerConfig, RecipeConfig):
    """The settings of a verb that reads recorded runs."""

    model_config = SettingsConfigDict(env_file=".env", extra="ignore", env_ignore_empty=True)


def read_recipe(server: Connection, run: TrackedRun) -> Recipe:
    """Read the recipe that a run was recorded with.

    Raises:
        TrackingError: the run has none, or one of another version of this project.
    """
    text = read_artifact(server, run, names.RECIPE_FILE)
    try:
        return Recipe.model_validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"])) or "all of it"
        raise TrackingError(
            f"{names.RECIPE_FILE} of run {run.name} is no recipe of this version of the project "
            f"({place}: {first['msg']}); use the version that recorded it, or choose another run."
        ) from None


def choose_run(server: Connection, recipe: str, option: str) -> TrackedRun:
    """Show the recipe's finished runs, newest first, and ask which one.

    Args:
        server: where they were recorded.
        recipe: name of it.
        option: that asks for it, for the message where nobody can be asked.

    Raises:
        TrackingError: this is no terminal, or there is no run.
    """
    require_terminal(option, "name the run with --run ID")
    runs = [run for run, _ in zip(list_runs(server, recipe), range(_LISTED), strict=False)]
    if not runs:
        raise no_run(server, recipe)
    from rich.console import Console

    Console(stderr=True).print(_table(recipe, runs))
    numbers = [str(number + 1) for number in range(len(runs))]
    return runs[int(ask(f"Which one, 1 to {len(runs)}", numbers)) - 1]


def ask(question: str, choices: list[str] | None = None) -> str:
    """Ask until there is an answer.

    Raises:
        TrackingError: the terminal is closed.
    """
    from rich.console import Console
    from rich.prompt import Prompt

    console = Console(stderr=True)
    try:
        while True:
            said = Prompt.ask(question, console=console, choices=choices, show_choices=False)
            if said and said.strip():
                return said.strip()
    except EOFError:
        raise TrackingError("Nothing was chosen, so nothing was done.") from None


def require_terminal(option: str, instead: str) -> None:
    """Look whether somebody can be asked.

    Raises:
        TrackingError: this is no terminal.
    """
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise TrackingError(f"{option} asks, and this is no terminal: {instead}.")


def no_run(server: Connection, recipe: str) -> TrackingError:
    """Make the error of a recipe of which no run is recorded."""
    return TrackingError(
        f"MLflow at {server.address} has no finished run of recipe {recipe}: train one with "
        "MLFLOW_TRACKING_URI set, or set RECIPE to another."
    )


def _table(recipe: str, runs: Iterable[TrackedRun]) -> Table:
    from rich.markup import escape
    from rich.table import Table

    from models.registry import known_tasks, load_task

    table = Table(title=f"Runs of {escape(recipe)}")
    for title in ("", "run", "began", "figures", "verdict", "model"):
        table.add_column(title, overflow="fold")
    for number, run in enumerate(runs, 1):
        task = run.tag(names.TASK)
        metrics = load_task(task).metrics if task in known_tasks() else ()
        headline = [metric for metric in metrics if metric.headline and not metric.per_class]
        figures = [
            f"{metric.words} {run.figures[metric.key]:.3f}"
            for metric in headline
            if metric.key in run.figures
        ]
        refused = run.tag(names.REFUSALS) or "not judged"
        cells = (
            run.name,
            f"{run.begin:%Y-%m-%d %H:%M}",
            "\n".join(figures),
            "blessed" if run.blessed else f"refused: {refused}",
            run.tag(names.MODEL_URI) or "none",
        )
        table.add_row(str(number), *map(escape, cells))
    return table
