"""Shows which runs are not in MLflow yet, and sends them."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from components.flags import with_settings
from pipeline.configs import Settings
from pipeline.terminal import fail

if TYPE_CHECKING:
    from rich.console import Console

    from tracking.journal import Journal


@with_settings(Settings)
def track(
    settings: Settings,
    *,
    replay: Annotated[
        bool, typer.Option("--replay", help="Send what waits in PIPELINE_ROOT to MLflow.")
    ] = False,
) -> int:
    """Print what waits, or what was sent.

    Returns:
        0; 1 when the server does not take it, 2 when MLFLOW_TRACKING_URI is not set.
    """
    from rich.console import Console

    console = Console(soft_wrap=True)
    if replay and settings.mlflow_tracking_uri is None:
        return fail("There is nowhere to send runs to: set MLFLOW_TRACKING_URI.", 2)
    if settings.pipeline_root.startswith("gs://"):
        import tensorflow as tf

        from pipeline.vertex.journals import brought

        try:
            with brought(settings.pipeline_root) as root:
                return _track(settings, root, replay, console)
        except tf.errors.OpError as error:
            reason = error.message.splitlines()[0]
            return fail(f"{settings.pipeline_root} cannot be read or written ({reason}).", 2)
    return _track(settings, Path(settings.pipeline_root).resolve(), replay, console)


def _track(settings: Settings, root: Path, replay: bool, console: "Console") -> int:
    from tracking.journal import waiting_journals

    waiting = waiting_journals(root)
    if not waiting:
        place = settings.pipeline_root if "://" in settings.pipeline_root else root
        console.print(f"No run of PIPELINE_ROOT={place} waits to be sent.", markup=False)
        return 0
    if replay:
        return _replay(settings, root, console)
    for journal in waiting:
        ended = "" if journal.closed else ", goes on or was killed"
        console.print(f"{_name(journal)}: {journal.waiting} events wait{ended}", markup=False)
    return 0


def _replay(settings: Settings, root: Path, console: "Console") -> int:
    import filelock

    from pipeline.runs.relocation import lock_of
    from tracking.delivery import deliver
    from tracking.errors import RefusedError, TrackingError
    from tracking.journal import close_killed, waiting_journals
    from tracking.server import Server

    try:
        with lock_of(root):
            close_killed(root)
    except filelock.Timeout:
        pass  # a run goes on, and sends its own
    completed, problems = 0, []
    try:
        server = Server(settings)
        for journal in waiting_journals(root):
            try:
                completed += deliver(journal, server)
            except filelock.Timeout:
                problems.append(f"{_name(journal)} is being sent by a run that goes on.")
            except RefusedError as error:
                problems.append(f"{_name(journal)}: {error}")
            for refused in journal.state.refused:
                console.print(f"{_name(journal)}: {refused}", markup=False)
    except (TrackingError, OSError) as error:
        problems.append(str(error))
    console.print(f"Completed in MLflow: {completed} of {completed + _left(root)} runs.")
    return fail("\n".join(problems), 1) if problems else 0


def _left(root: Path) -> int:
    from tracking.journal import waiting_journals

    return len(waiting_journals(root))


def _name(journal: "Journal") -> str:
    return journal.folder.name
