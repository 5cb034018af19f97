"""The process of a server, and what keeps one from starting."""

import contextlib
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Self

import psutil

START_SECONDS = 240
END_SECONDS = 20


class ServiceError(RuntimeError):
    """A server does not start or has ended; one sentence with the cause and the cure."""


class Service:
    """A server that is ended with all that it started.

    Args:
        name: As one would call it.
        command: The program and its arguments.
        folder: Its working directory, which gets its log.
        answers: Whether it serves by now; what it raises counts as no.
        user: Whose process it is; None for one's own.
        environment: All of its environment.
        secret: What no message repeats.

    Raises:
        ServiceError: It does not come to answer.
    """

    # To PostgreSQL and PgPool, SIGTERM would mean to wait until every client has gone.
    end_signal = signal.SIGINT

    def __init__(
        self,
        name: str,
        command: Sequence[str | Path],
        folder: Path,
        answers: Callable[[], bool],
        user: str | None = None,
        environment: Mapping[str, str] | None = None,
        secret: str = "",
    ) -> None:
        self.name = name
        self._log = folder / "log.txt"
        self._secret = secret
        with open(self._log, "wb", opener=_owners_alone) as log:
            # In a session of its own it gets no Ctrl-C that was meant for whoever started it.
            self._process = subprocess.Popen(
                command,
                cwd=folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                **run_as(user),
            )
        try:
            self._wait(answers)
        except BaseException:
            self.close()
            raise

    def _wait(self, answers: Callable[[], bool]) -> None:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            self.check()
            try:
                if answers():
                    return
            except Exception:  # of another kind with each server, as long as it starts
                pass
            time.sleep(0.1)
        raise self._failure(f"does not answer within {START_SECONDS} seconds")

    def check(self) -> None:
        """Looks whether it runs.

        Raises:
            ServiceError: It has ended by itself.
        """
        if self._process.poll() is not None:
            raise self._failure("has ended")

    def _failure(self, what: str) -> ServiceError:
        lines = self._log.read_text(errors="replace").strip().splitlines() or ["nothing"]
        last = lines[-1].replace(self._secret, "…") if self._secret else lines[-1]
        return ServiceError(f"{self.name} {what}; the last line of its log, {self._log}: {last}")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *failure: object) -> None:
        self.close()

    def close(self) -> None:
        """Ends it: what clients have begun is broken off, and what was written stays."""
        self._process.send_signal(self.end_signal)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(END_SECONDS)
        end_group(self._process.pid)
        self._process.wait()


def _owners_alone(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def end_group(leader: int) -> None:
    """Kills what is left of a process group."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(leader, signal.SIGKILL)


def run_as(user: str | None) -> dict[str, object]:
    """What `subprocess` is given to run a program as a user; nothing for None."""
    return {} if user is None else {"user": user, "group": user, "extra_groups": []}


def check_ports(ports: Mapping[str, int]) -> None:
    """Looks whether servers may have their ports of 127.0.0.1.

    Args:
        ports: by the server's name.

    Raises:
        ServiceError: A port is not to be had.
    """
    for name, port in ports.items():
        try:
            socket.create_server(("127.0.0.1", port)).close()
        except (OSError, OverflowError) as error:
            told = getattr(error, "strerror", None) or error
            raise ServiceError(
                f"Port {port}, for {name}, cannot be had ({told}); end what listens there."
            ) from None


def end_orphans(state: Path) -> None:
    """Ends the servers of a folder that outlived the program which started them.

    Args:
        state: The folder, which stands in their command lines.
    """
    found = []
    for process in psutil.process_iter(["cmdline"]):
        words = process.info["cmdline"] or []
        if process.pid != os.getpid() and any(f"{state}/" in word for word in words):
            found += [process, *process.children(recursive=True)]
    for process in found:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(found, timeout=END_SECONDS)
