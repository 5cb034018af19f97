"""Asks a model about data while a person watches."""

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

from models.task import Classes
from pipeline.inference.data import Files, Labelled
from pipeline.inference.model import ExportedModel
from pipeline.inference.results import Results
from pipeline.inference.run import Outcome, run_on_files, run_on_labelled
from tfrecords.errors import DataError

_COLUMNS = ("{task.description}", BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())


def ask_all(
    model: ExportedModel, data: Labelled | Files, classes: Classes, results: Results
) -> Outcome:
    """Answer all images of data, and show how far it is.

    Args:
        model: what is asked.
        data: the images.
        classes: what their labels may hold, where they have some.
        results: where answers are kept.

    Raises:
        DataError: none of them could be answered.
    """
    with Progress(*_COLUMNS, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("Asking the model", total=data.total)
        if isinstance(data, Files):
            outcome = run_on_files(model, data, results, lambda: bar.advance(task))
        else:
            outcome = run_on_labelled(model, data, classes, results, lambda: bar.advance(task))
    if not outcome.images:
        name, reason = next(iter(outcome.failed.items()), ("", "there are none"))
        raise DataError(
            f"None of the images could be used, nothing was written: {name and f'{name}: '}"
            f"{reason}."
        )
    return outcome
