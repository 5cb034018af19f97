from datetime import timedelta

import pytest

from pipeline.report import words

NOTHING = "\N{EN DASH}"


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.79864, "0.799"), (1.0, "1.000"), (float("nan"), NOTHING), (None, NOTHING)],
)
def test_figure(value: float | None, text: str) -> None:
    assert words.figure(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0123, "+0.012"),
        (0.0001, "0.000"),
        (-0.0847, "\N{MINUS SIGN}0.085"),
        (float("nan"), NOTHING),
    ],
)
def test_signed(value: float, text: str) -> None:
    assert words.signed(value) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.04, "0.0 s"), (9.44, "9.4 s"), (125.2, "2 min 5 s"), (7322, "2 h 2 min")],
)
def test_duration(seconds: float, text: str) -> None:
    assert words.duration(timedelta(seconds=seconds)) == text


@pytest.mark.parametrize(
    ("count", "text"),
    [(17, "17"), (12_345, "12.3 k"), (1_240_000, "1.24 M"), (3e9, "3.00 G"), (589_000, "589 k")],
)
def test_pixels(count: float, text: str) -> None:
    assert words.pixels(count) == text


def test_short() -> None:
    assert words.short("0123456789abcdef, modified") == "0123456789ab, modified"
    assert words.short("none") == "none"


def test_sentence() -> None:
    assert words.sentence("mean IoU 0.1 is below 0.5") == "Mean IoU 0.1 is below 0.5."
    assert words.sentence("A sentence.") == "A sentence."


def test_title_of() -> None:
    assert words.title_of("mean_iou") == "Mean IoU"
    assert words.title_of("learning_rate") == "Learning rate"


@pytest.mark.parametrize(
    ("state", "text"), [("COMPLETE", "done"), ("FAILED", "failed"), ("RUNNING", "not finished")]
)
def test_outcome(state: str, text: str) -> None:
    assert words.outcome(state) == text
