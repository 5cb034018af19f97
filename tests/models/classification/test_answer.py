"""What is kept of a classifier's answer."""

import numpy as np
import pytest

from models.classification.predictions import LABELS, PROBABILITIES
from models.classification.samples import answer
from pipeline.recipes import load_recipe


@pytest.mark.parametrize(
    ("size", "shown"), [((32, 32), (216, 192)), ((300, 400), (324, 400)), ((1, 3000), (25, 3000))]
)
def test_the_likeliest_class_is_written_below_the_image(
    size: tuple[int, int], shown: tuple[int, int]
) -> None:
    config = load_recipe("cifar10").training_config()
    probabilities = np.linspace(0.01, 0.19, len(config.class_names), dtype=np.float32)
    image = np.full((*size, 3), 200, np.uint8)
    told = {PROBABILITIES: probabilities, LABELS: probabilities.argmax()}
    kept = answer(image, told, config)
    assert kept.mask == b""
    assert kept.row["class_name"] == config.class_names[-1]
    assert kept.row["probability"] == pytest.approx(0.19)
    assert sum(kept.row[f"probability_{name}"] for name in config.class_names) == pytest.approx(1)
    assert kept.overlay.shape == (*shown, 3)
    assert (kept.overlay[0, : size[1]] == 200).all()
    below = kept.overlay[-24:]
    assert below.min() < 100 < below.max()
