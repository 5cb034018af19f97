"""The table at the end of a run."""

from pathlib import Path

from rich.table import Table

from pipeline.configs import Settings
from pipeline.evaluation import class_iou_name
from pipeline.runs import Run

# What a run is to be repeated with, beside its epochs.
_REPEATED = (
    "recipe",
    "pipeline_name",
    "data_root",
    "pipeline_root",
    "serving_dir",
    "model",
    "image_size",
    "batch_size",
    "learning_rate",
    "encoder_weights",
    "hyperparameters",
)


def table(run: Run, settings: Settings, report: str) -> Table:
    """What came out of a run, for the terminal.

    Args:
        run: the run, finished.
        settings: what it was made with.
        report: path of its report, or why there is none.
    """
    rows = Table(title=f"Run {run.run_id}", show_header=False, title_justify="left")
    rows.add_column(style="bold")
    rows.add_column(overflow="fold")
    for split, count in run.num_examples().items():
        rows.add_row(f"images, {split}", str(count))
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
    rows.add_row("mean IoU", f"{metrics['mean_iou']:.3f}")
    for name in settings.load_recipe().class_names:
        rows.add_row(f"IoU, {name}", f"{metrics[class_iou_name(name)]:.3f}")
    if run.blessed:
        rows.add_row("verdict", "[green]blessed[/]")
        rows.add_row("model", _as_typed(run.pushed_model))
        rows.add_row("edge model", run.edge_model)
        if run.publication:
            rows.add_row("published", run.publication["url"])
            rows.add_row("demo", run.publication["space_url"])
        rows.add_row("next", f"{settings.as_typed('serving_dir')} make app".lstrip())
    else:
        rows.add_row("verdict", f"[red]refused[/]: {'; '.join(run.refusals())}")
        rows.add_row("model", "not pushed; the model served before, if any, still is")
        if not run.unserved:  # which names its own cure
            rows.add_row("next", _longer(settings))
    rows.add_row("report", report.removeprefix(f"{Path.cwd()}/"))
    return rows


def _longer(settings: Settings) -> str:
    """The command for the same run with more epochs; the demo draws its data and names a Hub."""
    demo = settings.is_default("recipe", "data_root")
    told = f"EPOCHS={2 * settings.load_recipe().epochs} {settings.as_typed(*_REPEATED)}"
    return f"{told.strip()} {'make demo' if demo else 'python local_runner.py'}"


def _as_typed(path: str) -> str:
    """A path as the user would type it."""
    return path.removeprefix(f"{Path.cwd()}/")
