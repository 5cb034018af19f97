"""The table at the end of a run."""

from pathlib import Path

from rich.table import Table

from pipeline.evaluation import class_iou_name
from pipeline.recipe import Recipe
from pipeline.runs import Run


def table(run: Run, recipe: Recipe, report: str) -> Table:
    """What came out of a run, for the terminal.

    Args:
        run: the run, finished.
        recipe: its recipe.
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
    for name in recipe.class_names:
        rows.add_row(f"IoU, {name}", f"{metrics[class_iou_name(name)]:.3f}")
    if run.blessed:
        rows.add_row("verdict", "[green]blessed[/]")
        rows.add_row("model", _as_typed(run.pushed_model))
        rows.add_row("edge model", run.edge_model)
        if run.publication:
            rows.add_row("published", run.publication["url"])
            rows.add_row("demo", run.publication["space_url"])
        rows.add_row("next", "make app")
    else:
        rows.add_row("verdict", f"[red]refused[/]: {'; '.join(run.refusals())}")
        rows.add_row("model", "not pushed; the model served before, if any, still is")
        if not run.unserved:  # which names its own cure
            rows.add_row("next", f"EPOCHS={2 * recipe.epochs} make demo")
    rows.add_row("report", report.removeprefix(f"{Path.cwd()}/"))
    return rows


def _as_typed(path: str) -> str:
    """A path as the user would type it."""
    return path.removeprefix(f"{Path.cwd()}/")
