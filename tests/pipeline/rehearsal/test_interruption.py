"""A rehearsal that is interrupted or killed: its steps end, and the next one goes on."""

import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from pipeline.rehearsal import State, process, rehearse
from tests.pipeline.rehearsal.jobs import job, step

# Starts a process of its own, as Beam's workers are, and waits for a file.
WAITING = """
    import pathlib, subprocess, sys, time
    folder = pathlib.Path(sys.argv[1])
    child = subprocess.Popen(["sleep", "600"])
    (folder / "pids.new").write_text(f"{__import__('os').getpid()} {child.pid}")
    (folder / "pids.new").rename(folder / "pids")
    while not (folder / "go").exists():
        time.sleep(0.02)
    child.kill()
"""
STUBBORN = "    import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"


@contextmanager
def rehearsing(folder: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that rehearses a job of two steps, whose second one has begun and waits."""
    with subprocess.Popen(command(folder), stdout=subprocess.PIPE, text=True) as rehearsal:
        try:
            pids(folder)
            yield rehearsal
        finally:
            rehearsal.kill()


def command(folder: Path) -> list[str]:
    spec, store = str(folder / "job.json"), str(folder / "store")
    return [sys.executable, "-m", "pipeline", "rehearse", "--spec", spec, "--store", store]


def write_job(folder: Path, waiting: str = WAITING) -> None:
    steps = {
        "first": step(outputs=["data"]),
        "second": step(waiting, inputs={"data": "first.data"}, args=[str(folder)]),
    }
    (folder / "job.json").write_text(json.dumps(job(steps)))


def pids(folder: Path) -> list[int]:
    """The processes of the second step, once it has begun."""
    while not (folder / "pids").exists():
        time.sleep(0.02)
    return [int(pid) for pid in (folder / "pids").read_text().split()]


def is_alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def go_on(folder: Path) -> str:
    """Rehearses the job again, to its end; returns what was shown."""
    (folder / "go").touch()
    done = subprocess.run(command(folder), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_steps_and_the_next_run_goes_on(
    tmp_path: Path, number: signal.Signals
) -> None:
    write_job(tmp_path)
    with rehearsing(tmp_path) as rehearsal:
        rehearsal.send_signal(number)
        shown, _ = rehearsal.communicate()
    assert rehearsal.returncode == 130
    assert "second cancelled" in shown
    assert not any(is_alive(pid) for pid in pids(tmp_path))
    shown = go_on(tmp_path)
    assert "first cached" in shown
    assert "second done" in shown


def test_a_step_that_does_not_listen_is_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "_GRACE_SECONDS", 0.1)
    write_job(tmp_path, STUBBORN + WAITING)
    stop = threading.Event()
    threading.Thread(target=lambda: (pids(tmp_path), stop.set())).start()
    given = json.loads((tmp_path / "job.json").read_text())
    outcome = rehearse(given, tmp_path / "store", stop=stop)
    assert outcome.state is outcome.tasks["second"].state is State.CANCELLED
    assert not any(is_alive(pid) for pid in pids(tmp_path))


def test_steps_do_not_outlive_a_killed_rehearsal_and_the_next_run_goes_on(tmp_path: Path) -> None:
    write_job(tmp_path, STUBBORN + WAITING)
    with rehearsing(tmp_path) as rehearsal:
        rehearsal.kill()
    while any(is_alive(pid) for pid in pids(tmp_path)):  # pytest's timeout ends a failure
        time.sleep(0.02)
    shown = go_on(tmp_path)
    assert "first cached" in shown
    assert "second done" in shown
