"""Figures of summed counts, whatever they count."""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from models.task import class_key


def ratio(part: npt.ArrayLike, whole: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Divides; NaN stands for 0 / 0, where there is nothing to judge by."""
    with np.errstate(invalid="ignore"):
        return np.divide(part, whole)


def mean_of_judged(by_class: npt.NDArray[np.float64]) -> float:
    """The mean over the classes that can be judged; NaN where none can."""
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
