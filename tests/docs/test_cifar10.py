"""The commands of docs/cifar10.md, on drawn batches."""

from pathlib import Path

import pytest

from tests.conftest import Workplace
from tests.docs.conftest import COMPILATION, RUN
from tests.pages import blocks
from tests.tfrecords.batches import write_batches

PAGE = "docs/cifar10.md"
DOWNLOAD = "--download data/cifar10-raw"


@pytest.mark.slow
def test_the_commands(workplace: Workplace, checkout: Path) -> None:
    """What is downloaded lies there already; the run, which other tests make, is compiled."""
    [commands] = [block.text for block in blocks(PAGE, "bash")]
    assert DOWNLOAD in commands and RUN in commands
    batches = workplace.folder / "cifar-10-batches-py"
    write_batches(batches)
    commands = commands.replace(DOWNLOAD, f"--batches {batches}").replace(RUN, COMPILATION)
    done = workplace.run(
        f"cd {checkout} && set -e\n{commands}", PIPELINE_ROOT="", SERVING_DIR="", COLUMNS=200
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "all 120 records fit recipe cifar10" in done.stdout
    assert "Pipeline compiled successfully" in done.stdout
