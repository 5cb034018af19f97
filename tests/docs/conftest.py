"""What the tests of the pages share: a copy of the repository, which their commands write to."""

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY, Workplace
from tests.github.machines import install
from tests.pages import blocks, write_files

RUN = "python local_runner.py"
COMPILATION = "tfx pipeline compile --pipeline-path=local_runner.py --engine=local"

_UNNEEDED = shutil.ignore_patterns(".git", ".venv", ".tools", "data", "output", ".*_cache")


@pytest.fixture
def checkout(workplace: Workplace) -> Path:
    """The repository, installed, for a page to add files to."""
    copy = Path(shutil.copytree(REPOSITORY, workplace.folder / "repository", ignore=_UNNEEDED))
    install(copy)
    return copy


@pytest.fixture
def follow(workplace: Workplace, checkout: Path) -> Callable[..., str]:
    """Does in the copy what a page tells one to do; returns what its commands printed.

    With `compiled=True` the page's run of the pipeline is only compiled.
    """

    def follow(page: str, heading: str, *, compiled: bool = False, **settings: object) -> str:
        write_files(page, checkout)
        for block in blocks(page, "diff"):
            subprocess.run(["git", "apply"], cwd=checkout, input=block.text, text=True, check=True)
        [commands] = [block.text for block in blocks(page, "bash") if block.heading == heading]
        if compiled:
            assert RUN in commands
            commands = commands.replace(RUN, COMPILATION)
        done = workplace.run(
            f"cd {checkout} && set -e\n{commands}",
            **{"PIPELINE_ROOT": "", "SERVING_DIR": "", "COLUMNS": 200, **settings},
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return follow
