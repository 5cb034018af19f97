"""The table at the end of a run."""

from pathlib import Path

from rich.table import Table

from components.endpoint_pusher.config import EndpointConfig
from components.hf_pusher.config import HubConfig
from components.lakefs_pusher.config import LakeFSConfig
from models.registry import load_task
from pipeline.configs import Settings
from pipeline.runs.history import Run
from pipeline.vertex.config import VertexConfig
from tracking.config import TrackingConfig

# What finds the model, and photos to try it on.
_OF_THE_APP = ("recipe", "pipeline_root", "data_root", "serving_dir")
# What a run is to be repeated with, beside its epochs, and where it is published.
_REPEATED = [
    name
    for name in Settings.model_fields
    if name != "epochs"
    and not any(
        name in config.model_fields
        for config in (HubConfig, LakeFSConfig, TrackingConfig, VertexConfig, EndpointConfig)
    )
]


def table(run: Run, settings: Settings, report: str, recorded: str = "") -> Table:
    """What came out of a run, for the terminal.

    Args:
        run: the run, finished.
        settings: what it was made with.
        report: path of its report, or why there is none.
        recorded: where it is in MLflow, or what waits to be sent; empty where it is in none.
    """
    rows = Table(title=f"Run {run.run_id}", show_header=False, title_justify="left")
    rows.add_column(style="bold")
    rows.add_column(overflow="fold")
    for split, count in run.num_examples().items():
        rows.add_row(f"images, {split}", str(count))
    if run.data_version:
        rows.add_row("data version", run.data_version)
    hyperparameters = run.hyperparameters()
    if hyperparameters:
        rows.add_row("hyperparameters", str(hyperparameters))
        rows.add_row("to reuse them", f"HYPERPARAMETERS={_as_typed(hyperparameters.folder)}")
    training = run.training_figures()
    reused = " (reused)" if run.steps["Trainer"].cached else ""
    rows.add_row(
        "training", f"{training['steps']} steps, {training['images_per_second']} images/s{reused}"
    )
    metrics = run.metrics()
    recipe = settings.load_recipe()
    for key, figure in load_task(recipe.task).key_figures(recipe.class_names).items():
        rows.add_row(figure.row, f"{metrics[key]:.3f}")
    if run.blessed:
        rows.add_row("verdict", "[green]blessed[/]")
        rows.add_row("model", _as_typed(run.pushed_model))
        rows.add_row("edge model", run.edge_model)
        if run.kept_at:
            rows.add_row("lakeFS", run.kept_at)
        if run.publication:
            rows.add_row("published", run.publication["url"])
            rows.add_row("demo", run.publication["space_url"])
        rows.add_row("next", f"{settings.as_typed(*_OF_THE_APP)} make app".lstrip())
    else:
        rows.add_row("verdict", f"[red]refused[/]: {'; '.join(run.refusals())}")
        rows.add_row("model", "not pushed; the model served before, if any, still is")
        if not run.unserved:  # which names its own cure
            rows.add_row("next", _longer(settings))
    look = "make mlflow, and MLFLOW_TRACKING_URI=http://127.0.0.1:5000"
    rows.add_row("MLflow", recorded or look)
    rows.add_row("report", report.removeprefix(f"{Path.cwd()}/"))
    return rows


def _longer(settings: Settings) -> str:
    """The command for the same run with more epochs; the demo draws its data and names a Hub."""
    unpublished = settings.is_default("recipe", "data_root") and not settings.hf_repo_id
    demo = unpublished or _is_published_here(settings)
    repeated = [*_REPEATED, *LakeFSConfig.model_fields]
    repeated += [] if demo else HubConfig.model_fields
    told = f"EPOCHS={2 * settings.load_recipe().epochs} {settings.as_typed(*repeated)}"
    return f"{told.strip()} {'make demo' if demo else 'python local_runner.py'}"


def _is_published_here(settings: Settings) -> bool:
    """Whether `make demo` runs it, which publishes to a Hub on this machine."""
    demos = f"demo/{settings.load_recipe().name}"
    return settings.hf_repo_id == demos and not settings.is_default("hf_endpoint")


def _as_typed(path: str) -> str:
    """A path as the user would type it."""
    return path.removeprefix(f"{Path.cwd()}/")
