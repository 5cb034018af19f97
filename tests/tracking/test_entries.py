"""Keys and values that MLflow would refuse, with all that came along with them."""

import pytest

from tracking.entries import KEY, cut, fit_key, flatten


@pytest.mark.parametrize(
    "key", ["loss", "evaluation.iou_background", "iou Größe", "a/b:c-d_e", "system/cpu"]
)
def test_what_fits_stays_as_it_is(key: str) -> None:
    assert fit_key(key) == key


@pytest.mark.parametrize(
    "key",
    ["", "a//b", "../up", "a/../b", "./a", "/a", "a/", "..", ".", "a\nb", 'a"b', "50%", "x" * 251],
)
def test_what_does_not_fit_is_made_to(key: str) -> None:
    fitted = fit_key(key)
    assert fitted != key
    assert fit_key(fitted) == fitted
    assert len(fitted) <= KEY


def test_two_keys_that_do_not_fit_stay_two() -> None:
    assert fit_key("a%b") != fit_key("a&b") != fit_key("a_b")


def test_nested_values() -> None:
    values = {"gate": {"limits": {"mean_iou": 0.7}}, "names": ["a", "b"], "none": None, "s": "é"}
    assert flatten(values) == {"gate.limits.mean_iou": "0.7", "names": '["a", "b"]', "s": "é"}


def test_long_values_say_that_they_were_cut() -> None:
    assert cut("x" * 10, 10) == "x" * 10
    assert cut("x" * 11, 10) == "x" * 9 + "…"
