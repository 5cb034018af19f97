"""Threads in which jobs run, and how they are stopped."""

import threading
from collections.abc import Callable


class Running:
    """The jobs that run now."""

    def __init__(self) -> None:
        self._jobs: dict[str, tuple[threading.Thread, threading.Event]] = {}
        self._lock = threading.Lock()
        self.closing = False

    def start(self, name: str, run: Callable[[threading.Event], None]) -> None:
        """Runs a job in a thread of its own.

        Args:
            name: The name of the job.
            run: Runs it; is given the event that stops it.
        """
        stop = threading.Event()

        def run_and_forget() -> None:
            try:
                run(stop)
            finally:
                with self._lock:
                    del self._jobs[name]

        thread = threading.Thread(target=run_and_forget, name=name, daemon=True)
        with self._lock:
            self._jobs[name] = (thread, stop)
            thread.start()

    def stop(self, name: str) -> None:
        """Asks a job to stop."""
        with self._lock:
            if name in self._jobs:
                self._jobs[name][1].set()

    def wait(self, name: str, timeout: float | None = None) -> bool:
        """Waits for the end of a job, at most so many seconds; says whether it has ended."""
        with self._lock:
            thread, _ = self._jobs.get(name, (None, None))
        if thread is not None:
            thread.join(timeout)
        return thread is None or not thread.is_alive()

    def close(self, timeout: float) -> None:
        """Stops all jobs and waits for their ends."""
        self.closing = True
        with self._lock:
            jobs = list(self._jobs.values())
        for _, stop in jobs:
            stop.set()
        for thread, _ in jobs:
            thread.join(timeout)
