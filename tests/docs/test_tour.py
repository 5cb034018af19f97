"""The pictures that the pages show can be taken again."""

import shutil
from pathlib import Path

import pytest
from PIL import Image

from tests.conftest import Workplace
from tests.pages import links


@pytest.mark.slow
def test_the_pictures(trained: Workplace, drawn_pets: Path, tmp_path: Path) -> None:
    if shutil.which("chromium") is None:
        pytest.skip("chromium is not installed; `make test` installs it where it may")
    done = trained.run(f"python docs/pictures.py {tmp_path}", DATA_ROOT=drawn_pets)
    assert done.returncode == 0, done.stderr
    shown = {link for link in links("docs/tour.md") if link.endswith(".png")}
    taken = {path.relative_to(tmp_path).as_posix() for path in tmp_path.glob("tour/*.png")}
    assert taken == shown
    for path in tmp_path.rglob("*.png"):
        picture = Image.open(path)
        assert len(picture.convert("RGB").getcolors(256) or []) > 20, path


def test_that_there_is_no_run_is_told(workplace: Workplace) -> None:
    done = workplace.run("python docs/pictures.py")
    assert done.returncode == 1
    assert done.stderr == (
        "The pictures are those of `make demo`, taken by chromium: one is missing.\n"
    )
