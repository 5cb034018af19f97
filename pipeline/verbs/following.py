"""Follows a job on Vertex AI to its end: what `submit --wait` and `wait` have in common."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from pipeline.terminal import fail

if TYPE_CHECKING:
    from pipeline.rehearsal.states import Outcome
    from pipeline.vertex.jobs import Vertex


def add_summary(parser: argparse.ArgumentParser) -> None:
    """Declares where the end of the job is written to."""
    parser.add_argument(
        "--summary",
        type=_appendable,
        metavar="FILE",
        help="at the end, append the verdict and its figures in Markdown, as for GitHub's "
        "$GITHUB_STEP_SUMMARY",
    )


def _appendable(text: str) -> Path:
    """A file that can be written to hours later, as far as that can be known now."""
    path = Path(text)
    try:
        path.open("a").close()
    except OSError as error:
        raise argparse.ArgumentTypeError(
            f"{text} cannot be written to ({error.strerror})"
        ) from error
    return path


def follow(console: Console, cloud: "Vertex", name: str, summary: Path | None) -> int:
    """Shows the steps of a job as they go, and its verdict.

    Returns:
        0; 1 when the job failed or was cancelled, or cannot be followed; 130 when interrupted,
        which leaves the job running.
    """
    from components.google_cloud import CloudError
    from pipeline.rehearsal.display import Display, show_outcome
    from pipeline.rehearsal.interruption import stopped_by_signals
    from pipeline.rehearsal.states import State

    link = cloud.link(name)
    try:
        with stopped_by_signals() as stop, Display(console) as display:
            outcome = cloud.follow(name, display.change, stop)
    except CloudError as error:
        return _left(str(error), link, summary, 1)
    if outcome is None:
        return _left("No longer waiting.", link, summary, 130)
    show_outcome(console, outcome)
    _conclude(console, outcome, link, summary)
    return 0 if outcome.state is State.SUCCEEDED else 1


def _left(why: str, link: str, summary: Path | None, status: int) -> int:
    """Says that the job goes on without us."""
    from pipeline.vertex import markdown

    sentence = f"{why} The job goes on, and `python -m pipeline wait` or `cancel` takes it up"
    if summary:
        _append(summary, markdown.note("No longer followed", f"{sentence}.", link))
    return fail(f"{sentence}: {link}", status)


def _append(summary: Path, text: str) -> None:
    """What cannot be written down changes nothing of how the job ended."""
    try:
        with summary.open("a", encoding="utf-8") as file:
            file.write(f"\n{text}")
    except OSError as error:
        fail(f"The summary {summary} cannot be written to: {error.strerror}.", 0)


def _conclude(console: Console, outcome: "Outcome", link: str, summary: Path | None) -> None:
    from pipeline.vertex import markdown
    from pipeline.vertex.outcome import read_verdict, title

    verdict = read_verdict(outcome)
    if summary:
        room = markdown.LIMIT - summary.stat().st_size
        _append(summary, markdown.page(outcome, verdict, link, room))
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
