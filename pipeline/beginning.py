"""What is told of a run when it begins, whatever engine it is of."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict

from components.digest import code_digest
from pipeline.configs import Settings
from pipeline.recipe import Recipe
from tracking import names
from tracking.entries import flatten
from tracking.journal import Journal


class Beginning(BaseModel):
    """A run before its first step.

    Attributes:
        experiment: name of MLflow's.
        tags: by the names of `tracking.names`, but for the run's id.
        recipe: with the values that the run is made with.
    """

    model_config = ConfigDict(frozen=True)

    experiment: str
    tags: dict[str, str]
    recipe: Recipe

    def with_values(self, values: Mapping[str, Any]) -> "Beginning":
        """Return the same with other values of the recipe; names that it has not are left out."""
        own = {name: value for name, value in values.items() if name in Recipe.model_fields}
        return self.model_copy(update={"recipe": self.recipe.model_copy(update=own)})

    def open(self, journal: Journal, run_id: str, start: int | None = None) -> None:
        """Begin the run's journal.

        Args:
            journal: is empty.
            run_id: as the engine named the run.
            start: milliseconds since 1970; now, by default.
        """
        journal.open(run_id, self.experiment, {names.RUN_ID: run_id, **self.tags}, start)
        journal.params(flatten(self.recipe.model_dump(mode="json")))
        journal.artifact(names.RECIPE_FILE, self.recipe.model_dump_json(indent=2).encode())


def beginning(settings: Settings, engine: str, git_commit: str) -> Beginning:
    """Return what is known before a run.

    Args:
        settings: what the run is made with.
        engine: local or vertex.
        git_commit: as `components.git` tells it.
    """
    recipe = settings.load_recipe()
    commit, _, modified = git_commit.partition(", ")
    known = not commit.startswith("none")
    return Beginning(
        experiment=settings.mlflow_experiment_name or recipe.name,
        tags={
            names.RECIPE: recipe.name,
            names.TASK: recipe.task,
            names.ENGINE: engine,
            names.GIT_COMMIT: commit if known else "",
            names.GIT_CLEAN: str(not modified).lower() if known else "",
            names.DATA_VERSION: settings.data_version or "",
            names.DATA_DIGEST: "",
            names.CODE_DIGEST: code_digest(recipe.task),
            names.TRAINED_BY: "",
            names.REFUSALS: "",
            names.MODEL_DIGEST: "",
            names.MODEL_URI: "",
        },
        recipe=recipe,
    )
