"""Runs a command that has the emulators in its environment."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence


def run_command(command: Sequence[str], environment: Mapping[str, str]) -> int:
    """Runs a command, passes Ctrl-C and SIGTERM on to it, and returns its exit status.

    Args:
        command: The program and its arguments.
        environment: All of its environment.
    """
    # In a session of its own the command gets a Ctrl-C once, from here, and not twice.
    try:
        child = subprocess.Popen(command, env=environment, start_new_session=True)
    except OSError as error:
        print(f"{command[0]}: {error.strerror}", file=sys.stderr)
        return 127

    def pass_on(number: int, frame: object) -> None:
        with contextlib.suppress(ProcessLookupError):  # it may have ended by now
            os.killpg(child.pid, number)

    before = {number: signal.signal(number, pass_on) for number in (signal.SIGINT, signal.SIGTERM)}
    status = child.wait()
    for number, handler in before.items():
        signal.signal(number, handler)
    return status if status >= 0 else 128 - status
