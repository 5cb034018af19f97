"""Keeps the order in which new data were announced, for workflows that train."""

import datetime
import functools
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from components.flags import with_settings
from components.settings import SettingsError
from pipeline.configs import Settings
from pipeline.terminal import fail
from tfrecords.command_line import add_command, make_app

if TYPE_CHECKING:
    from google.cloud import aiplatform_v1 as vertex

    from pipeline.vertex.announcements import Announcements, State

app = make_app("Keeps the order in which new data were announced, for workflows that train.")
_action = functools.partial(add_command, app, told={SettingsError: 2})


@_action(what="Records DATA_ROOT, whose data set is whole, as the newest.")
@with_settings(Settings)
def announce(settings: Settings) -> int:
    """Return 0, or 2 with the reason when it could not be done."""
    return _told(settings, lambda announcements: _announce(announcements, settings))


@_action(what="Says what a run trains on, or that it is held back.")
@with_settings(Settings)
def take(
    settings: Settings,
    event: Annotated[
        Literal["repository_dispatch", "schedule"],
        typer.Argument(help="GitHub's, which began the run."),
    ],
    *,
    output: Annotated[
        Path,
        typer.Option(
            metavar="FILE",
            help="Append data_root=… and announced=…, held_back=true where nothing is to be "
            "submitted, and active=JOB_ID where that is for a job, as for GitHub's $GITHUB_OUTPUT.",
        ),
    ],
    summary: Annotated[Path, typer.Option(metavar="FILE", help="Append why, in Markdown.")],
) -> int:
    """Return 0, or 2 with the reason when it could not be done."""
    own = settings.data_root if event == "repository_dispatch" else None
    return _told(
        settings, lambda announcements: _take(announcements, settings, own, output, summary)
    )


@_action(what="Records what became of DATA_ROOT in a run that ends.")
@with_settings(Settings)
def end(
    settings: Settings,
    job_id: Annotated[str, typer.Argument(metavar="JOB_ID")],
    announced: Annotated[
        datetime.datetime,
        typer.Argument(parser=datetime.datetime.fromisoformat, help="As `take` said."),
    ],
    *,
    output: Annotated[
        Path, typer.Option(metavar="FILE", help="Append waiting=…, the data that wait longest.")
    ],
) -> int:
    """Return 0, or 2 with the reason when it could not be done."""
    return _told(
        settings, lambda announcements: _end(announcements, settings, job_id, announced, output)
    )


def _told(settings: Settings, act: Callable[["Announcements"], str]) -> int:
    """Print what an action says that it did; return 0, or 2 with why it did not."""
    from rich.console import Console

    from components.google_cloud import CloudError  # Google's clients, which take long to import
    from pipeline.vertex.announcements import Announcements

    try:
        told = act(Announcements(settings))
    except (ValueError, CloudError) as error:
        return fail(str(error), 2)
    Console(soft_wrap=True).print(told, markup=False, highlight=False)
    return 0


def _announce(announcements: "Announcements", settings: Settings) -> str:
    new = announcements.announce(settings.data_root)
    return f"Announced {new.data_root}, written {new.announced.isoformat()}."


def _take(
    announcements: "Announcements",
    settings: Settings,
    own: str | None,
    output: Path,
    summary: Path,
) -> str:
    from pipeline.vertex.announcements import HeldBack, take_turn

    try:
        taken = take_turn(announcements.read(), own)
    except HeldBack as reason:
        _append(output, "held_back=true\n")
        _append(summary, f"## Held back\n\n{reason}\n")
        return f"Held back: {reason}"
    if taken is None:
        return f"Nothing was announced yet: this run trains on {settings.data_root}."
    told = f"This run trains on {taken.data_root}, announced {taken.announced.isoformat()}."
    pairs = {"data_root": taken.data_root, "announced": taken.announced.isoformat()}
    if active := _active(settings):
        told = f"The job {active} is active: this run waits for its end, and submits none."
        pairs |= {"active": active, "held_back": "true"}
    _append(output, "".join(f"{name}={value}\n" for name, value in pairs.items()))
    _append(summary, f"{told}\n")
    return told


def _active(settings: Settings) -> str:
    """Return the id of the job that keeps another from being submitted; empty without one."""
    from pipeline.vertex.jobs import Vertex

    active = Vertex(settings).active(settings.name_pipeline())
    return active[0].name.rpartition("/")[2] if active else ""


def _append(path: Path, text: str) -> None:
    with path.open("a", encoding="utf-8") as file:
        file.write(text)


def _end(
    announcements: "Announcements",
    settings: Settings,
    job_id: str,
    announced: datetime.datetime,
    output: Path,
) -> str:
    from pipeline.vertex.announcements import longest_waiting

    told = _finish(announcements, settings, job_id, announced)
    if waiting := longest_waiting(announcements.read()):
        _append(output, f"waiting={waiting.data_root}\n")
    return told


def _finish(
    announcements: "Announcements", settings: Settings, job_id: str, announced: datetime.datetime
) -> str:
    from pipeline.vertex.announcements import State
    from pipeline.vertex.jobs import Vertex, has_ended, parameters_of
    from pipeline.vertex.names import check_job_id

    cloud = Vertex(settings)
    job = cloud.find(cloud.name(check_job_id(job_id)))
    # A training that GitHub no longer watches goes on, and `submit` refuses another one meanwhile.
    if not has_ended(job) if job else cloud.active(settings.name_pipeline()):
        return f"A job is active: {settings.data_root} waits for the next run."
    own = settings.data_root.rstrip("/")
    if job and str(parameters_of(job).get("data_root", own)).rstrip("/") != own:
        return f"The job {job_id} was of other data: {own} waits for the next run."
    state = _state(job) if job else State.FAILED
    announcements.finish(settings.data_root, announced, state)
    return f"Recorded {settings.data_root} as {state}."


def _state(job: "vertex.PipelineJob") -> "State":
    """Return what has become of the data of a job that has ended."""
    from pipeline.jobs import states
    from pipeline.vertex.announcements import State
    from pipeline.vertex.jobs import outcome_of
    from pipeline.vertex.outcome import pushed_by

    outcome = outcome_of(job.name, job)
    if any(pushed_by(outcome, step) for step in ("Pusher", "LakeFSPusher", "HFPusher")):
        return State.PUBLISHED
    return State.TRAINED if outcome.state is states.State.SUCCEEDED else State.FAILED
