"""A data set of one's own, as README and docs/own-data.md have it."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.conftest import Workplace
from tests.small_runs import REFUSED


def draw(workplace: Workplace, folder: Path) -> None:
    """Photos and trimaps, as files."""
    done = workplace.run(
        f"python -m tfrecords.synthetic --as-files --train 32 --val 8 --output {folder}"
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
def test_the_readme(workplace: Workplace, checkout: Path, follow: Callable[..., str]) -> None:
    draw(workplace, checkout / "my")
    (checkout / "my" / "trimaps").rename(checkout / "my" / "masks")
    output = follow("README.md", "Your own images", **REFUSED)
    assert "my.toml, yours to change" in output and "class 3" in output
    assert "blessed" in output and "visionpipe app --recipe my.toml" in output
    assert (checkout / "data" / "my" / "dataset.json").exists()


@pytest.mark.slow
def test_other_classes(workplace: Workplace, checkout: Path, follow: Callable[..., str]) -> None:
    leaves = checkout / "leaves"
    draw(workplace, leaves)
    (leaves / "masks").mkdir()
    for trimap in (leaves / "trimaps").iterdir():
        background = np.asarray(Image.open(trimap)) == 2
        Image.fromarray(background.astype(np.uint8)).save(leaves / "masks" / trimap.name)
    output = follow("docs/own-data.md", "With other classes", **REFUSED)
    assert "IoU, leaf" in output and "IoU, background" in output
    assert "IoU, border" not in output
