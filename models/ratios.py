"""Figures of summed counts, whatever they count."""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
from scipy.stats import beta

from models.task import class_key


def ratio(part: npt.ArrayLike, whole: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Divides; NaN stands for 0 / 0, where there is nothing to judge by."""
    with np.errstate(invalid="ignore"):
        return np.divide(part, whole)


def lower_bound(part: npt.ArrayLike, whole: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Return what the share of which these are a sample is at least, with 95 % confidence.

    One-sided; Clopper and Pearson, "The use of confidence or fiducial limits illustrated in the
    case of the binomial", Biometrika 1934. NaN stands for a sample of none.
    """
    hits, trials = np.asarray(part, np.float64), np.asarray(whole, np.float64)
    # Of no hits the distribution does not exist, and its quantile would be 0.
    bound = np.where(hits > 0, beta.ppf(0.05, np.maximum(hits, 1), trials - hits + 1), 0.0)
    return np.where(trials > 0, bound, np.nan)


def sample_needed(share: float, bound: float) -> int | None:
    """Tell how large a sample of a share must be for its `lower_bound` to reach a bound.

    Returns:
        The size; None where more than a million would be needed, or none is enough.
    """
    sizes = np.unique(np.geomspace(1, 1_000_000, 4000).astype(int))
    reached = lower_bound(np.floor(share * sizes + 1e-9), sizes) >= bound
    return int(sizes[np.argmax(reached)]) if reached.any() else None


def mean_of_judged(by_class: npt.NDArray[np.float64]) -> float:
    """Return the mean over the classes that can be judged; NaN where none can."""
    judged = by_class[~np.isnan(by_class)]
    return float(judged.mean()) if judged.size else float("nan")


def name_by_class(
    figures: Mapping[str, npt.NDArray[np.float64]], class_names: Sequence[str]
) -> dict[str, float]:
    """Every value, [C], by its metric's key of the class, such as `iou_border`."""
    return {
        class_key(key, name): float(value)
        for key, values in figures.items()
        for name, value in zip(class_names, values, strict=True)
    }
