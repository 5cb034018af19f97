"""The first of README's two commands; the second one runs this."""

import re
import shutil
from pathlib import Path

import pytest

from tests.conftest import Workplace
from tests.small_runs import REFUSED


@pytest.mark.slow
def test_make_demo(workplace: Workplace, checkout: Path, drawn_pets: Path) -> None:
    """With what it would install and draw, and a training too short to be blessed."""
    shutil.copytree(drawn_pets, checkout / "data" / "scenes")
    done = workplace.run(
        f"make --directory={checkout} demo",
        PIPELINE_ROOT="",
        SERVING_DIR="",
        **REFUSED,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "images, train   │ 600" in done.stdout
    assert "refused: " in done.stdout
    [report] = (checkout / "output" / "scenes" / "pipeline" / "reports").glob("2*.html")
    assert re.search(rf"report +│ .*{report.name}", done.stdout)
