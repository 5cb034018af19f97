"""Does what waits in the queue, one thing after another."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from threading import Event

import filelock

from pipeline.configs import Settings
from pipeline.hooks.queue import Entry, Queue
from pipeline.runs.relocation import lock_of
from tracking.errors import TrackingError

_POLL = 1.0  # s
_AFTER_AN_ALERT = "rolled back after an alert"
_PROJECT = Path(__file__).parents[2]


class Worker:
    """Runs verbs for the entries of a queue.

    Args:
        queue: of what is to be done.
        settings: those of every run.
        logs: folder that gets a file of each entry.
        say: tells people what is done.
    """

    def __init__(
        self, queue: Queue, settings: Settings, logs: Path, say: Callable[[str], None]
    ) -> None:
        self._queue, self._settings, self._logs, self._say = queue, settings, logs, say
        logs.mkdir(parents=True, exist_ok=True)

    def work(self, stopped: Event) -> None:
        """Works until it is stopped; what runs then is begun again by the next start."""
        while not stopped.is_set():
            now = time.time()
            # The lock is taken for work alone: a run that begins at that moment would be refused.
            ready = self._queue.is_due(now) and not self._is_busy()
            entry = self._queue.take(now) if ready else None
            if entry is None:
                stopped.wait(_POLL)
                continue
            log = self._logs / f"{entry.number}.log"
            self._say(f"{entry.number}: {entry.kind} {entry.argument}; {log} has what it prints")
            try:
                code = self._run(entry, log, stopped)
            except OSError as error:
                self._say(f"{entry.number}: it cannot be started: {error.strerror}")
                code = 1
            if code is None:
                return
            self._queue.finish(entry.number, "failed" if code else "done")
            self._say(f"{entry.number}: {f'failed, exit code {code}' if code else 'done'}")

    def _is_busy(self) -> bool:
        """Tell whether somebody else's run uses PIPELINE_ROOT, which takes one at a time."""
        root = Path(self._settings.pipeline_root)
        if not root.exists():
            return False
        try:
            with lock_of(root):
                return False
        except filelock.Timeout:
            return True

    def _run(self, entry: Entry, log: Path, stopped: Event) -> int | None:
        """Run an entry's verb; return its exit code, None where it was stopped."""
        with log.open("a", encoding="utf-8") as output:
            try:
                arguments = self._arguments(entry)
            except TrackingError as error:
                print(error, file=output)
                return 2
            child = subprocess.Popen(
                [sys.executable, "-m", "pipeline", *arguments],
                env={**os.environ, "PYTHONPATH": str(_PROJECT)},  # found from any folder
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
            while not stopped.is_set():
                try:
                    return child.wait(_POLL)
                except subprocess.TimeoutExpired:
                    pass
            child.terminate()
            child.wait()
            return None

    def _arguments(self, entry: Entry) -> list[str]:
        if entry.kind == "train":
            return ["train", "--recipe", self._settings.recipe, "--data-version", entry.argument]
        if entry.kind == "rollback":
            before = find_before(self._settings, entry.argument)
            why = f"{_AFTER_AN_ALERT} about version {entry.argument}"
            return [
                *("produce", "--recipe", self._settings.recipe),
                *("--version", str(before), "--why", why),
            ]
        version = find_served(self._settings, entry.argument)
        return ["serving", "config", "--stable", version]


def find_served(settings: Settings, aliased: str) -> str:
    """Find which version below SERVING_DIR a registered model is.

    Args:
        settings: with SERVING_DIR and MLflow's server.
        aliased: MODEL@ALIAS.

    Raises:
        TrackingError: there is no such model, or it lies somewhere else.
    """
    from tracking.client import Connection
    from tracking.versions import find_aliased

    source = find_aliased(Connection(settings), aliased).source
    folder = Path(source)
    if folder.parent.resolve() != Path(settings.serving_dir).resolve():
        raise TrackingError(
            f"{aliased} is {source}, which is not in SERVING_DIR={settings.serving_dir}: copy it "
            "there, or set SERVING_DIR to where it is."
        )
    return folder.name


def find_before(settings: Settings, served: str) -> int:
    """Find which registered version was in production before.

    Args:
        settings: with MLflow's server.
        served: number of the served version that an alert is about.

    Raises:
        TrackingError: that one is not in production, none was before, or it came by a rollback
            itself: who goes back twice in a row looks for the fault in the wrong place.
    """
    from tracking.client import Connection
    from tracking.stages import read_production

    recipe = settings.load_recipe().name
    production = read_production(Connection(settings), recipe)
    champion, move = production.champion, production.since
    if champion is None or Path(champion.source).name != served:
        raise TrackingError(f"Version {served} of {recipe} is not in production: nothing is done.")
    if move is None or move.origin is None:
        raise TrackingError(f"Before version {served} of {recipe}, none was in production.")
    if move.why.startswith(_AFTER_AN_ALERT):
        raise TrackingError(
            f"Version {served} of {recipe} came into production by a rollback itself: look at the "
            "monitor's page before another one is chosen."
        )
    return move.origin
