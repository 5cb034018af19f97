"""What MLflow is told of a network that is compared: a run of its own, and none of the recipe.

Whoever looks for a recipe's runs, to register or to ask the newest, finds none of these.
"""

import re
from pathlib import Path

from components.digest import model_digest
from pipeline.beginning import Beginning
from pipeline.recorded import tell_data
from pipeline.runs.history import Run
from pipeline.zoo.compared import Compared
from tracking import names
from tracking.journal import Journal

_NO_NAME = re.compile(r"[^a-z0-9]+")


def of_comparison(told: Beginning, comparison: str) -> Beginning:
    """Begin a run that is a comparison's, and not its recipe's."""
    tags = {name: value for name, value in told.tags.items() if name != names.RECIPE}
    return told.model_copy(update={"tags": {**tags, names.COMPARISON: comparison}})


def name_run(comparison: str, number: int, network: str) -> str:
    """Return the id of a network's run."""
    return f"{comparison}-{number}-{_NO_NAME.sub('-', network)}"


def tell_compared(journal: Journal, run: Run, compared: Compared, model: Path | None) -> None:
    """Add what became of a network.

    Args:
        journal: of the network's run.
        run: whose images it was trained on.
        compared: what is known of it.
        model: its SavedModel, where that is kept.
    """
    tell_data(journal, run)
    if compared.failure:
        journal.tags({names.DESCRIPTION: compared.failure})
        return
    journal.metrics(
        {
            **{f"{names.EVALUATION}{key}": figure for key, figure in compared.figures.items()},
            "training.steps": compared.steps,
            "training.parameters": compared.parameters,
            "training.processor_seconds": compared.processor_seconds,
            "model.megabytes": compared.megabytes,
            "model.milliseconds": compared.milliseconds,
        }
    )
    if model:
        journal.tags({names.MODEL_DIGEST: model_digest(model), names.MODEL_URI: str(model)})
