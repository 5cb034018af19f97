"""Temperature scaling: logits divided by one number, so that confidence means accuracy."""

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, softmax

from models.classification.decisions import find_thresholds
from models.config import Thresholds, TrainingConfig

_RANGE = (0.05, 20.0)


def fit_temperature(logits: npt.NDArray[np.float32], labels: npt.NDArray[np.int32]) -> float:
    """Find the temperature of the highest likelihood.

    Guo et al., "On Calibration of Modern Neural Networks", 2017 (arXiv:1706.04599). No prediction
    changes, only how sure it is.

    Args:
        logits: [N, C], of images that neither trained nor judge the model.
        labels: class ids, [N].
    """

    def loss(log_temperature: float) -> float:
        scaled = log_softmax(logits / np.exp(log_temperature), axis=-1)
        return -float(scaled[np.arange(len(labels)), labels].mean())

    found = minimize_scalar(loss, bounds=np.log(_RANGE), method="bounded")
    return float(np.exp(found.x))


def fit_thresholds(
    logits: npt.NDArray[np.float32], labels: npt.NDArray[np.int32], config: TrainingConfig
) -> Thresholds:
    """Find what the configuration's `decision` asks for.

    Args:
        logits: [N, C], calibrated, of the same images.
        labels: class ids, [N].
        config: with a `decision`.

    Raises:
        ValueError: no image is of the positive class.
    """
    assert config.decision is not None
    return find_thresholds(softmax(logits, axis=-1), labels, config.class_names, config.decision)
