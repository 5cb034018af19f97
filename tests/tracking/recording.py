"""Records runs in MLflow by the names of the contract, as the pipeline does."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from components.digest import folder_digest
from pipeline.recipe import Recipe
from pipeline.recipes import load_recipe
from tests.conftest import Workplace
from tests.small_runs import SMOKE
from tracking import names

if TYPE_CHECKING:
    from mlflow import MlflowClient

FIGURES = {"mean_iou": 0.7, "iou_border": 0.4}


def read_outcome(workplace: Workplace) -> dict[str, Any]:
    """Tags and figures of the newest run of a place."""
    from pipeline.runs.history import load_run

    run = load_run(workplace.pipeline_root / "metadata.sqlite")
    return {
        "tags": {
            names.RUN_ID: run.run_id,
            names.TRAINED_BY: run.trained_by,
            names.BLESSED: str(run.blessed).lower(),
            names.MODEL_DIGEST: folder_digest(Path(run.model_path)),
            names.MODEL_URI: run.pushed_model,
            names.DATA_VERSION: run.data_version,
        },
        "figures": run.metrics(),
        "model": run.model_path,
    }


class Recorder:
    """Records runs of a recipe.

    Args:
        client: of the server.
        recipe: name that the smoke recipe is recorded by.
    """

    def __init__(self, client: "MlflowClient", recipe: str) -> None:
        self.client, self.name = client, recipe
        self.experiment = client.create_experiment(f"of {recipe}")
        self._numbers = iter(range(1000))

    def recipe(self, **changes: Any) -> Recipe:
        """The recipe, with limits for instance."""
        plain = load_recipe(str(SMOKE["RECIPE"])).model_dump(mode="json")
        return Recipe.model_validate({**plain, "name": self.name, **changes})

    def __call__(
        self,
        tags: dict[str, str] | None = None,
        figures: dict[str, float] | None = None,
        recipe: Recipe | None = None,
        status: str = "FINISHED",
    ) -> str:
        """Records one run, blessed and with a model; returns MLflow's id of it."""
        number = next(self._numbers)
        told = recipe or self.recipe()
        known = {
            names.RUN_ID: f"2026-11-29T12-00-{number:02}-of-{self.name}",
            names.RECIPE: self.name,
            names.TASK: told.task,
            names.BLESSED: "true",
            names.MODEL_URI: f"lakefs://models/{'a' * 64}/models/{self.name}",
            **(tags or {}),
        }
        # As many seconds apart: the server itself orders runs of one millisecond by their ids.
        start = 1_700_000_000_000 + number * 1000
        run = self.client.create_run(self.experiment, start_time=start, tags=known).info.run_id
        for key, value in (FIGURES if figures is None else figures).items():
            self.client.log_metric(run, names.EVALUATION + key, value)
        self.client.log_text(run, told.model_dump_json(), names.RECIPE_FILE)
        self.client.update_run(run, status)  # prints nothing, as `set_terminated` does
        return run


def read_scores(folder: Path) -> dict[str, Any]:
    """What `infer` wrote."""
    return json.loads((folder / "scores.json").read_text())
