"""Runs a step's command in a process group of its own, so that nothing of it outlives the step."""

import contextlib
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from pipeline.jobs.states import readable

_POLL_SECONDS = 0.1
_GRACE_SECONDS = 10.0  # Vertex gives a cancelled container 30
_SUPERVISOR = str(Path(__file__).with_name("supervisor.py"))
_LINES = 20
_EXCEPTION = re.compile(r"[A-Za-z_][\w.]*(Error|Exception)(: .*)?")
_KILLED = (
    "it was killed, probably because memory ran out: give it a smaller batch, run fewer steps at a "
    "time, or take a machine with more memory"
)


class Stopped(Exception):
    """The rehearsal was interrupted while the command ran."""


class CommandFailed(Exception):
    """The command failed: the message is a line with the reason, then the output's last lines."""


def run_command(
    command: Sequence[str], environment: Mapping[str, str], log: Path, stop: threading.Event
) -> None:
    """Run a command to its end.

    Args:
        command: the program and its arguments; `python` is this interpreter.
        environment: all of its environment.
        log: file that what it prints is appended to.
        stop: ends the command when set.

    Raises:
        CommandFailed: it exited with another status than 0, or was killed.
        Stopped: `stop` was set.
    """
    program = sys.executable if command[0] == "python" else command[0]
    with log.open("ab") as output:
        begin = output.tell()
        process = subprocess.Popen(
            [sys.executable, "-I", "-S", _SUPERVISOR, program, *command[1:]],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    with process:
        try:
            stopped = _wait(process.pid, stop)
        finally:
            _signal_group(process.pid, signal.SIGKILL)  # a container's end is all its processes'
    if stopped:
        raise Stopped
    if process.returncode:
        raise CommandFailed(_explained(process.returncode, log, begin))


def _explained(status: int, log: Path, begin: int) -> str:
    """Why a command failed that exited so, and whose output begins there in the log."""
    with log.open("rb") as output:
        output.seek(begin)
        text = output.read().decode(errors="replace")
    lines = [readable(line.rstrip()) for line in text.splitlines() if line.strip()]
    signals = {number.value: number for number in signal.Signals}
    number = signals.get(-status if status < 0 else status - 128)
    if number is signal.SIGKILL:
        reason = _KILLED
    elif number is not None:
        reason = f"it was ended by {number.name}"
    else:
        reason = ": ".join((f"exit status {status}", *_told(lines)))
        if len(lines) == 1:
            return reason
    return "\n".join((reason, *lines[-_LINES:]))


def _told(lines: list[str]) -> list[str]:
    """Return the line that says what went wrong: the last exception's, or the very last."""
    exceptions = [line for line in lines if _EXCEPTION.fullmatch(line)]
    return (exceptions or lines)[-1:]


def _wait(pid: int, stop: threading.Event) -> bool:
    """Wait for the end, but leave the process as a zombie, so that its group id stays taken."""
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
