"""What a command takes, from start to end: seconds, CPU seconds and memory at its peak.

A process that is made from a large one is charged with the large one's peak (Linux keeps it across
exec), so a small one stands between: this file, run as a script.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
PYTHON = sys.executable


class Usage(NamedTuple):
    """What a command took.

    Attributes:
        seconds: from its start to its end.
        cpu_seconds: of all its processes.
        peak_mb: memory of the largest of its processes, resident, in 10^6 bytes.
        output: what it printed to its standard output.
    """

    seconds: float
    cpu_seconds: float
    peak_mb: float
    output: str


def measure(command: Sequence[str], **environment: object) -> Usage:
    """Run a command to its end, from the repository's folder.

    Args:
        command: program and arguments.
        **environment: what is set beside this process' own environment.

    Raises:
        RuntimeError: it failed; the message ends with what it printed last.
    """
    with tempfile.TemporaryDirectory() as folder:
        usage = Path(folder, "usage.json")
        done = subprocess.run(
            [PYTHON, "-I", "-S", __file__, str(usage), *command],
            cwd=ROOT,
            env=variables(**environment),
            capture_output=True,
            text=True,
        )
        if done.returncode:
            said = f"{done.stdout}\n{done.stderr}".strip()[-2000:]
            raise RuntimeError(f"`{' '.join(command)}` ended with {done.returncode}: {said}")
        return Usage(**json.loads(usage.read_text()), output=done.stdout)


def python(*arguments: object, **environment: object) -> Usage:
    """Measure this Python with arguments."""
    return measure([PYTHON, *map(str, arguments)], **environment)


def variables(**environment: object) -> dict[str, str]:
    """Return this process's environment with the project and its Python in front, and more."""
    return {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "TF_CPP_MIN_LOG_LEVEL": "3",
        **{name: str(value) for name, value in environment.items()},
    }


def _main(usage: str, command: list[str]) -> int:
    """Run the command and write what the system says that it took."""
    started = time.perf_counter()
    process = subprocess.Popen(command)
    _, status, used = os.wait4(process.pid, 0)
    figures = {
        "seconds": time.perf_counter() - started,
        "cpu_seconds": used.ru_utime + used.ru_stime,
        "peak_mb": used.ru_maxrss * 1024 / 1e6,
    }
    Path(usage).write_text(json.dumps(figures))
    return abs(os.waitstatus_to_exitcode(status))


if __name__ == "__main__":
    sys.exit(_main(sys.argv[1], sys.argv[2:]))
