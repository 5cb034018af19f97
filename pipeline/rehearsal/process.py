"""Runs a step's command in a process group of its own, so that nothing of it outlives the step."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

_POLL_SECONDS = 0.1
_GRACE_SECONDS = 10.0  # Vertex gives a cancelled container 30


class Stopped(Exception):
    """The rehearsal was interrupted while the command ran."""


class CommandFailed(Exception):
    """The command ended with an error; the message says which."""


def run_command(
    command: Sequence[str], environment: Mapping[str, str], log: Path, stop: threading.Event
) -> None:
    """Runs a command to its end.

    Args:
        command: the program and its arguments; `python` is this interpreter.
        environment: all of its environment.
        log: file that what it prints is appended to.
        stop: ends the command when set.

    Raises:
        CommandFailed: it could not start, exited with another status than 0, or was killed.
        Stopped: `stop` was set.
    """
    program = sys.executable if command[0] == "python" else command[0]
    with log.open("ab") as output:
        begin = output.tell()
        try:
            process = subprocess.Popen(
                [program, *command[1:]],
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        except OSError as error:
            raise CommandFailed(f"it could not be started: {error}") from error
    try:
        stopped = _wait(process.pid, stop)
    finally:
        _signal_group(process.pid, signal.SIGKILL)  # a container's end is all its processes' end
        status = process.wait()
    if stopped:
        raise Stopped
    if status == -signal.SIGKILL:
        raise CommandFailed("it was killed, probably out of memory")
    if status < 0:
        raise CommandFailed(f"it was ended by {signal.Signals(-status).name}")
    if status > 0:
        reason = _last_line(log, begin)
        raise CommandFailed(f"exit status {status}" + (f": {reason}" if reason else ""))


def last_lines(log: Path, count: int) -> list[str]:
    """The last lines of a log that are not blank."""
    text = log.read_text(errors="replace") if log.exists() else ""
    return [line for line in text.splitlines() if line.strip()][-count:]


def _wait(pid: int, stop: threading.Event) -> bool:
    """Waits for the end, but leaves the process as a zombie, so that its group id stays taken."""
    deadline = None
    while os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT | os.WNOHANG) is None:
        if deadline is None:
            if stop.wait(_POLL_SECONDS):
                _signal_group(pid, signal.SIGTERM)
                deadline = time.monotonic() + _GRACE_SECONDS
        elif time.monotonic() > deadline:
            _signal_group(pid, signal.SIGKILL)
        else:
            time.sleep(_POLL_SECONDS)
    return deadline is not None


def _signal_group(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, number)


def _last_line(log: Path, begin: int) -> str:
    with log.open("rb") as lines:
        lines.seek(begin)
        texts = [line.strip() for line in lines.read().decode(errors="replace").splitlines()]
    return next((text for text in reversed(texts) if text), "")
