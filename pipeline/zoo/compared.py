"""What is known of a network that was compared with others."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Compared:
    """A network, trained and judged.

    Attributes:
        name: architecture, encoder and weights.
        failure: why there is nothing to judge, in one sentence; empty where there is.
        steps: that it was trained for.
        processor_seconds: that its training took.
        value: of the metric, on the validation split.
        low: lower end of the value's 95 % interval.
        high: its upper end.
        parameters: that are trained.
        megabytes: of the SavedModel.
        milliseconds: that an image alone takes, the median.
        figures: all metrics, by key.
    """

    name: str
    failure: str = ""
    steps: int = 0
    processor_seconds: float = math.nan
    value: float = math.nan
    low: float = math.nan
    high: float = math.nan
    parameters: int = 0
    megabytes: float = math.nan
    milliseconds: float = math.nan
    figures: dict[str, float] = field(default_factory=dict)


def rank(compared: Sequence[Compared], sign: int) -> list[Compared]:
    """Networks, the best first; of equals the smaller one, and last what cannot be judged.

    Args:
        compared: networks.
        sign: 1 where the higher of two values is the better one, -1 where the lower one is.
    """
    return sorted(
        compared,
        key=lambda one: (
            bool(one.failure),
            math.isnan(one.value),
            -sign * one.value,
            one.megabytes,
        ),
    )
