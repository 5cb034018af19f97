"""The table at the end of a run."""

from pathlib import Path

from rich.table import Table
from rich.text import Text

from models.registry import load_task
from pipeline.results.advice import advise
from pipeline.results.commands import Commands
from pipeline.runs.history import Run


def table(run: Run, commands: Commands, report: str, recorded: str = "") -> Table:
    """Return what came out of a run, for the terminal.

    Args:
        run: the run, finished.
        commands: what may follow, with what it was made with.
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
    recipe = commands.settings.load_recipe()
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
            if commands.is_published_here():  # whose Hub ends with the run
                rows.add_row("to see both", "make hub")
        rows.add_row("next", Text(_show(run, commands)))
    else:
        rows.add_row("verdict", f"[red]refused[/]: {'; '.join(run.refusals())}")
        rows.add_row("model", "not pushed; the model served before, if any, still is")
        if not run.unserved:  # which names its own cure
            rows.add_row("next", Text("\n".join(advise(run, recipe, commands))))
        rows.add_row("look at it", Text(commands.show(run.run_id)))
    look = "make mlflow, and MLFLOW_TRACKING_URI=http://127.0.0.1:5000"
    rows.add_row("MLflow", recorded or look)
    rows.add_row("report", report.removeprefix(f"{Path.cwd()}/"))
    return rows


def _show(run: Run, commands: Commands) -> str:
    """Return the command that shows this very model, which may not be the newest pushed one."""
    pushed = Path(run.pushed_model)
    newer = [
        path
        for path in pushed.parent.glob("*/saved_model.pb")
        if pushed.name.isdecimal()
        and path.parent.name.isdecimal()
        and int(path.parent.name) > int(pushed.name)
    ]
    return commands.show(_as_typed(str(pushed))) if newer else commands.show_newest()


def _as_typed(path: str) -> str:
    """Return a path as the user would type it."""
    return path.removeprefix(f"{Path.cwd()}/")
