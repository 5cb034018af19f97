"""Why a step failed, in a sentence."""

import errno
import os
import subprocess
import sys

import pytest

from pipeline.failure import explain
from tests.conftest import REPOSITORY


def test_a_full_disk_is_told_with_its_cure() -> None:
    full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "output/model")
    assert explain(full) == (
        "[Errno 28] No space left on device: 'output/model'; free some space, or set PIPELINE_ROOT "
        "to a folder on another disk, and run again: the steps that finished are reused."
    )


def test_the_cure_is_of_what_was_first() -> None:
    try:
        try:
            raise OSError("Not a gzipped file (b'xx')")
        except OSError as error:
            raise RuntimeError("A worker ended.") from error
    except RuntimeError as error:
        told = explain(error)
    assert told.startswith("A worker ended; a file that an earlier step wrote is damaged: set")


def test_an_error_of_ours_names_its_own_cure() -> None:
    ours = "The training diverged: lower LEARNING_RATE and run again."
    assert explain(ValueError(ours)) == ours
    assert explain(AssertionError()) == "AssertionError"


@pytest.mark.parametrize("program", [["-m", "pipeline", "train"], ["local_runner.py"]])
def test_outside_the_environment_it_is_named(program: list[str]) -> None:
    """-S leaves out all that is installed, as another Python does."""
    done = subprocess.run(
        [sys.executable, "-S", *program], cwd=REPOSITORY, capture_output=True, text=True
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        f"{sys.executable} has no tfx, without which nothing here runs: run `make setup`, and use "
        "`.venv/bin/visionpipe`, `.venv/bin/python local_runner.py` or a target of `make`.\n"
    )
