"""Shows a rehearsal: a live table in a terminal, a line for each change elsewhere."""

import datetime
import threading
from types import TracebackType

from rich.console import Console
from rich.live import Live
from rich.table import Column, Table
from rich.text import Text

from pipeline.jobs.states import Outcome, State, TaskState

WORDS = {
    State.PENDING: ("waiting", "dim"),
    State.RUNNING: ("running", "yellow"),
    State.SUCCEEDED: ("done", "green"),
    State.SKIPPED: ("cached", "cyan"),
    State.FAILED: ("failed", "red"),
    State.CANCELLED: ("cancelled", "red"),
    State.NOT_TRIGGERED: ("not run", "dim"),
}


class Display:
    """Shows what `change` is told, while it is a context.

    Args:
        console: where.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._tasks: dict[str, TaskState] = {}
        self._lock = threading.Lock()
        self._live = Live(console=console, get_renderable=self._table, refresh_per_second=4)

    def __enter__(self) -> "Display":
        if self._console.is_terminal:
            self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._console.is_terminal:
            self._live.transient = True  # the summary has the same table
            self._live.stop()

    def change(self, task: TaskState) -> None:
        """Take a task's new state."""
        with self._lock:
            self._tasks[task.name] = task
        if not self._console.is_terminal and task.state is not State.PENDING:
            word, _ = WORDS[task.state]
            line = " ".join(
                filter(None, (task.name, word, duration(task) if task.state.ended else ""))
            )
            self._console.print(line, markup=False, highlight=False)

    def _table(self) -> Table:
        with self._lock:
            return _table(list(self._tasks.values()))


def show_outcome(console: Console, outcome: Outcome) -> None:
    """Print the table of all steps, warnings, and of failed steps the reason and the log's end."""
    console.print(_table(list(outcome.tasks.values())))
    for warning in outcome.warnings:
        console.print(f"Warning: {warning}", style="yellow", markup=False)
    for task in outcome.tasks.values():
        if task.state is not State.FAILED:
            continue
        console.print(f"{task.name} failed: {task.reason}", style="red", markup=False)
        for line in (task.error or "").splitlines()[1:]:
            console.print(f"  {line}", markup=False, highlight=False)
        if task.log and task.log.exists():
            console.print(f"The whole log: {task.log}", markup=False, highlight=False)


def _table(tasks: list[TaskState]) -> Table:
    table = Table("Step", "State", Column("Duration", justify="right"))
    for task in tasks:
        word, style = WORDS[task.state]
        table.add_row(Text(task.name), Text(word, style=style), duration(task))
    return table


def duration(task: TaskState) -> str:
    """Tell how long a task took, or has taken so far; empty when it never began."""
    if task.begin is None:
        return ""
    end = task.end or datetime.datetime.now(datetime.UTC)
    return f"{(end - task.begin).total_seconds():.1f} s"
