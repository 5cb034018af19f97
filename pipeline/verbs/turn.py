"""Keeps the order in which new data were announced, for workflows that train."""

import argparse
import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from pipeline.configs import Settings, load_settings
from pipeline.terminal import fail

if TYPE_CHECKING:
    from google.cloud import aiplatform_v1 as vertex

    from pipeline.vertex.announcements import Announcements, State

_EVENTS = ("repository_dispatch", "schedule")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the verb's arguments."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")

    def add(name: str, what: str) -> argparse.ArgumentParser:
        return actions.add_parser(name, help=what, description=what)

    add("announce", "Records DATA_ROOT, whose data set is whole, as the newest.")
    take = add("take", "Says what a run trains on, or that it is held back.")
    take.add_argument("event", choices=_EVENTS, help="GitHub's, which began the run")
    take.add_argument(
        "--output",
        type=Path,
        required=True,
        metavar="FILE",
        help="append data_root=…, announced=… or held_back=true, as for GitHub's $GITHUB_OUTPUT",
    )
    take.add_argument(
        "--summary", type=Path, required=True, metavar="FILE", help="append why, in Markdown"
    )
    end = add("end", "Records what became of DATA_ROOT in a run that ends.")
    end.add_argument("job", metavar="JOB_ID")
    end.add_argument("announced", type=datetime.datetime.fromisoformat, help="as `take` said")


def run(arguments: argparse.Namespace) -> int:
    """Does one of the actions; returns 0, or 2 with the reason when it could not be done."""
    from components.google_cloud import CloudError  # Google's clients, which take long to import
    from pipeline.vertex.announcements import Announcements

    console = Console(soft_wrap=True)
    try:
        settings = load_settings()
        announcements = Announcements(settings)
        if arguments.action == "announce":
            told = _announce(announcements, settings)
        elif arguments.action == "take":
            told = _take(announcements, settings, arguments)
        else:
            told = _end(announcements, settings, arguments)
    except (ValueError, CloudError) as error:
        return fail(str(error), 2)
    console.print(told, markup=False, highlight=False)
    return 0


def _announce(announcements: "Announcements", settings: Settings) -> str:
    new = announcements.announce(settings.data_root)
    return f"Announced {new.data_root}, written {new.announced.isoformat()}."


def _take(announcements: "Announcements", settings: Settings, arguments: argparse.Namespace) -> str:
    from pipeline.vertex.announcements import HeldBack, take_turn

    own = settings.data_root if arguments.event == "repository_dispatch" else None
    try:
        taken = take_turn(announcements.read(), own)
    except HeldBack as reason:
        _append(arguments.output, "held_back=true\n")
        _append(arguments.summary, f"## Held back\n\n{reason}\n")
        return f"Held back: {reason}"
    if taken is None:
        return f"Nothing was announced yet: this run trains on {settings.data_root}."
    told = f"This run trains on {taken.data_root}, announced {taken.announced.isoformat()}."
    pairs = {"data_root": taken.data_root, "announced": taken.announced.isoformat()}
    _append(arguments.output, "".join(f"{name}={value}\n" for name, value in pairs.items()))
    _append(arguments.summary, f"{told}\n")
    return told


def _append(path: Path, text: str) -> None:
    with path.open("a", encoding="utf-8") as file:
        file.write(text)


def _end(announcements: "Announcements", settings: Settings, arguments: argparse.Namespace) -> str:
    from pipeline.vertex.announcements import State
    from pipeline.vertex.jobs import Vertex, has_ended
    from pipeline.vertex.names import check_job_id

    cloud = Vertex(settings)
    job = cloud.find(cloud.name(check_job_id(arguments.job)))
    # A training that GitHub no longer watches goes on, and `submit` refuses another one meanwhile.
    if not has_ended(job) if job else cloud.active(settings.name_pipeline()):
        return f"A job is active: {settings.data_root} waits for the next run."
    state = _state(job) if job else State.FAILED
    announcements.finish(settings.data_root, arguments.announced, state)
    return f"Recorded {settings.data_root} as {state}."


def _state(job: "vertex.PipelineJob") -> "State":
    """What has become of the data of a job that has ended."""
    from pipeline.rehearsal import states
    from pipeline.vertex.announcements import State
    from pipeline.vertex.jobs import outcome_of
    from pipeline.vertex.outcome import pushed_by

    outcome = outcome_of(job.name, job)
    if any(pushed_by(outcome, step) for step in ("Pusher", "HFPusher")):
        return State.PUBLISHED
    return State.TRAINED if outcome.state is states.State.SUCCEEDED else State.FAILED
