"""Publishes the model in production on the Hugging Face Hub, for recipes promoted by hand."""

from typing import TYPE_CHECKING

from components.flags import with_settings
from pipeline.configs import Settings
from pipeline.terminal import fail
from pipeline.verbs.options import RunId
from tracking.errors import TrackingError

if TYPE_CHECKING:
    from tfx.orchestration.pipeline import Pipeline

_PUSHER = "HFPusher"


@with_settings(Settings)
def publish(settings: Settings, *, run: RunId = None) -> int:
    """Run the graph's last step alone, on what a run of PIPELINE_ROOT made.

    By default that is the run whose model has MLflow's alias `champion`.

    Returns:
        0; 1 when it was not published, 2 for what the user can mend before, 130 when interrupted.
    """
    if not settings.hf_repo_id:
        return fail("There is nowhere to publish to: set HF_REPO_ID to OWNER/NAME.", 2)
    try:
        run = run or find_champion(settings)

        from pipeline.runs import history, store

        made = history.load_run(store.metadata_path(settings), run)
        if not made.blessed:
            return fail(f"The gate refused the model of run {run}: publish another run's.", 2)
        # The model's card tells of the data that it was trained on.
        data_root = made.steps["ImportExampleGen"].properties["input_base"]
        settings = settings.model_copy(update={"data_root": data_root})
        graph = _bind(settings)
    except ValueError as error:
        return fail(str(error), 2)

    from tfx.orchestration.pipeline import RunOptions

    from pipeline.local import LocalRunner

    options = RunOptions(from_nodes=[_PUSHER], base_pipeline_run_id=run)
    LocalRunner(settings).run(graph, run_options=options)
    return 0


def find_champion(settings: Settings) -> str:
    """Return the pipeline's id of the run whose model is in production.

    Raises:
        TrackingError: there is none, or the server cannot be asked.
    """
    from tracking.client import Connection
    from tracking.runs import find_run
    from tracking.stages import read_production

    recipe, server = settings.load_recipe().name, Connection(settings)
    champion = read_production(server, recipe).champion
    if champion is None:
        raise TrackingError(
            f"Nothing of {recipe} is in production: put the best staged version there with "
            f"`visionpipe produce METRIC --recipe {settings.recipe}`, or name a run with --run ID."
        )
    return find_run(server, champion.run_id).name


def _bind(settings: Settings) -> "Pipeline":
    """Return the graph as it is where publishing follows the gate."""
    from pipeline.engines import local_engine
    from pipeline.pipeline import create_pipeline

    recipe = settings.load_recipe().model_copy(update={"promotion": "auto"})
    return create_pipeline(recipe, local_engine(settings), settings)
