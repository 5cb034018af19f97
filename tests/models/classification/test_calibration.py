"""The temperature that makes confidence mean accuracy is found again."""

import numpy as np
import pytest

from models.classification.calibration import fit_temperature


@pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0])
def test_finds_the_temperature_that_logits_were_multiplied_by(temperature: float) -> None:
    rng = np.random.default_rng(0)
    honest = 2 * rng.normal(size=(20_000, 4)).astype("float32")
    exponents = np.exp(honest)
    shares = (exponents / exponents.sum(1, keepdims=True)).cumsum(1)
    labels = (shares < rng.uniform(size=(len(shares), 1))).sum(1).clip(max=3)
    assert fit_temperature(honest * temperature, labels) == pytest.approx(temperature, rel=0.05)
