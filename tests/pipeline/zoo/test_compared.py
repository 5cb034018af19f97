"""The order of networks that were compared."""

import dataclasses

from pipeline.zoo.compared import Compared, rank

ONE = Compared("cnn", value=0.9, megabytes=1.0)


def test_the_best_comes_first_and_of_equals_the_smaller() -> None:
    large = dataclasses.replace(ONE, name="large", megabytes=2.0)
    better = dataclasses.replace(ONE, name="better", value=0.95)
    unjudged = Compared("unjudged", megabytes=0.5)
    failed = Compared("failed", failure="The training diverged.")
    given = [failed, unjudged, large, ONE, better]
    names = [one.name for one in rank(given, 1)]
    assert names == ["better", "cnn", "large", "unjudged", "failed"]
    names = [one.name for one in rank(given, -1)]
    assert names == ["cnn", "large", "better", "unjudged", "failed"]
