"""Follows a job on Vertex AI to its end: what `submit --wait` and `wait` have in common."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.terminal import fail, print_json
from pipeline.verbs.options import REFUSED
from pipeline.verbs.summary import append

if TYPE_CHECKING:
    from rich.console import Console

    from pipeline.jobs.states import Outcome
    from pipeline.vertex.jobs import Vertex
    from pipeline.vertex.outcome import Verdict


@dataclass(frozen=True)
class Following:
    """How the end of a job is told.

    Attributes:
        summary: file that it is appended to, in Markdown.
        fail_on_refused: whether a refused model has an exit code of its own.
        as_json: whether stdout holds one JSON document, and stderr what a person reads.
    """

    summary: Path | None = None
    fail_on_refused: bool = False
    as_json: bool = False

    @property
    def console(self) -> "Console":
        """Where a person reads."""
        from rich.console import Console

        return Console(soft_wrap=True, stderr=self.as_json)


def follow(cloud: "Vertex", name: str, how: Following) -> int:
    """Show the steps of a job as they go, and its verdict.

    Returns:
        0; 1 when the job failed or was cancelled, or cannot be followed; 3 when its model was
        refused and that was to be told so; 130 when interrupted, which leaves the job running.
    """
    from components.google_cloud import CloudError
    from pipeline.jobs.display import Display, show_outcome
    from pipeline.jobs.interruption import stopped_by_signals
    from pipeline.jobs.states import State

    link, console, summary = cloud.link(name), how.console, how.summary
    try:
        with stopped_by_signals() as stop, Display(console) as display:
            outcome = cloud.follow(name, display.change, stop)
    except CloudError as error:
        return _left(str(error), link, summary, 1)
    if outcome is None:
        return _left("No longer waiting.", link, summary, 130)
    show_outcome(console, outcome)
    verdict = _conclude(console, outcome, link, summary)
    if how.as_json:
        print_json(_document(name, outcome, verdict, link))
    if outcome.state is not State.SUCCEEDED:
        return 1
    return REFUSED if how.fail_on_refused and verdict.blessed is False else 0


def _document(name: str, outcome: "Outcome", verdict: "Verdict", link: str) -> dict[str, Any]:
    return {
        "job": name,
        "link": link,
        "state": outcome.state,
        "steps": {task.name: task.state for task in outcome.tasks.values()},
        "blessed": verdict.blessed,
        "refusals": verdict.reasons,
        "metrics": verdict.evaluation.whole.figures if verdict.evaluation else {},
        "model": verdict.pushed,
        "published": {"url": verdict.url, "space_url": verdict.space_url} if verdict.url else {},
    }


def _left(why: str, link: str, summary: Path | None, status: int) -> int:
    """Say that the job goes on without us."""
    from pipeline.vertex import markdown

    sentence = f"{why} The job goes on, and `visionpipe wait` or `cancel` takes it up"
    if summary:
        append(summary, lambda _: markdown.note("No longer followed", f"{sentence}.", link))
    return fail(f"{sentence}: {link}", status)


def _conclude(console: "Console", outcome: "Outcome", link: str, summary: Path | None) -> "Verdict":
    from pipeline.vertex import markdown
    from pipeline.vertex.outcome import read_verdict, title

    verdict = read_verdict(outcome)
    if summary:
        append(summary, lambda room: markdown.page(outcome, verdict, link, room))
    lines = [f"{title(outcome, verdict)}."]
    lines += [f"  {reason}" for reason in verdict.reasons]
    told = {
        "Pushed to": verdict.pushed,
        "Published": verdict.url,
        "Demo": verdict.space_url,
        "Warning:": verdict.unread,
    }
    lines += [f"{what} {value}" for what, value in told.items() if value]
    for line in lines:
        console.print(line, markup=False, highlight=False)
    return verdict
