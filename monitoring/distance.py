"""How far a window of requests is from the reference, and how far a clean one may be."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy.spatial.distance import jensenshannon

from models.reference.histograms import Histogram
from models.reference.statistics import Reference

# The share of clean windows that alarm, of all features together; the promise is 1 in 100, of
# which images leave something to differences that do no harm.
LEVEL = 0.002
_DRAWS = 20_000
_SEED = 0


def measure_distance(counts: Sequence[int], reference: Histogram) -> float:
    """Jensen-Shannon distance of two histograms, 0..1.

    The bins are the reference's, of which each holds about as many of its images. TFDV's measure of
    the same name, the square of this one, takes no histograms but makes its own.
    """
    return float(_distances(np.asarray([counts]), reference.counts)[0])


def find_threshold(reference: Histogram, images: int, features: int) -> float:
    """Return the distance that one clean window in many exceeds.

    A clean window is drawn from what the reference's images may have been drawn from, which is a
    Dirichlet distribution (Rubin, "The Bayesian bootstrap", Annals of Statistics 1981): of few
    images, the threshold is high. What no image of the reference has is taken for a rarity, and
    not for impossible.

    Args:
        reference: what windows are compared with.
        images: of a window.
        features: how many are compared, of which any may alarm.
    """
    random = np.random.default_rng(_SEED)
    shares = random.dirichlet(np.maximum(reference.counts, 1), _DRAWS)
    drawn = random.multinomial(images, shares)
    return float(np.quantile(_distances(drawn, reference.counts), 1 - LEVEL / features))


def find_thresholds(reference: Reference, images: int) -> dict[str, float]:
    """Those of all features, by name, for windows of so many images."""
    features = reference.features
    return {name: find_threshold(one, images, len(features)) for name, one in features.items()}


def _distances(windows: npt.NDArray[np.int64], reference: Sequence[int]) -> npt.NDArray[np.float64]:
    """Of counts [N, bins]: float64 [N]."""
    others = np.broadcast_to(np.asarray(reference), windows.shape)
    # Of equal histograms, rounding may leave the root of a number just below 0.
    return np.nan_to_num(jensenshannon(windows, others, base=2, axis=1))
