"""Sends journals in the background, while a run goes on."""

from __future__ import annotations

import threading
from pathlib import Path

import filelock

from tracking.config import TrackingConfig
from tracking.delivery import deliver
from tracking.errors import RefusedError, TrackingError, UnreachableError
from tracking.journal import Journal, waiting_journals
from tracking.server import Server

_INTERVAL = 2.0  # seconds between two looks at the journal
_FIRST_PAUSE, _LONGEST_PAUSE = 5.0, 60.0  # seconds, after a server that did not answer


class Sender(threading.Thread):
    """Sends the journal of a run, and those that earlier runs left.

    A thread that the process does not wait for at its end: what it has not sent stays on disk.

    Args:
        config: where to.
        root: PIPELINE_ROOT.
        journal: of the run that goes on.
    """

    def __init__(self, config: TrackingConfig, root: Path, journal: Journal) -> None:
        super().__init__(name="mlflow-sender", daemon=True)
        self._config = config
        self._root = root
        self._journal = journal
        self._ending = threading.Event()
        self.problem = ""

    def run(self) -> None:
        """Return the thread's work."""
        server: Server | None = None
        pause = 0.0
        sent = -1
        while True:
            is_last = self._ending.is_set()
            try:
                server = server or Server(self._config)
                sent = self._deliver(server, sent)
                self.problem, pause = "", 0.0
            except UnreachableError as error:
                self.problem = str(error)
                pause = min(2 * pause or _FIRST_PAUSE, _LONGEST_PAUSE)
            except filelock.Timeout:
                pass  # a replay is sending it
            except (TrackingError, OSError) as error:
                self.problem = str(error)
                return
            if is_last:
                return
            self._ending.wait(pause or _INTERVAL)

    def finish(self, seconds: float) -> None:
        """Has it send the rest, and waits for that, but not for long."""
        self._ending.set()
        self.join(seconds)

    def _deliver(self, server: Server, sent: int) -> int:
        """Send what is new, the run's own first; return up to where its journal was read."""
        size = self._journal.size
        if size != sent:
            deliver(self._journal, server)
        for other in waiting_journals(self._root):
            if self._ending.is_set():
                break
            if other.folder != self._journal.folder:
                try:
                    deliver(other, server)
                except (filelock.Timeout, RefusedError):
                    continue  # it waits for a replay, which says why
        return size
