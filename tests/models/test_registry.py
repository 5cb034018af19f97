"""The architectures by name."""

import pytest

from models import registry


def test_known_models() -> None:
    names = registry.known_models()
    assert "unet" in names
    assert names == sorted(names)
    for name in names:
        registry.check_model(name, 96, "none")


@pytest.mark.parametrize(("name", "near"), [("unett", "unet"), ("Unet", "unet")])
def test_a_misspelt_name_is_answered_with_the_nearest(name: str, near: str) -> None:
    with pytest.raises(ValueError) as raised:
        registry.check_model(name, 96, "none")
    message = str(raised.value)
    assert f"MODEL={name} is unknown" in message
    assert f"Did you mean {near}?" in message
    assert all(known in message for known in registry.known_models())


def test_a_strange_name_is_answered_with_the_known_ones() -> None:
    with pytest.raises(ValueError) as raised:
        registry.build_model("resnet152", 64, 3, "none")
    message = str(raised.value)
    assert "MODEL=resnet152 is unknown" in message
    assert all(known in message for known in registry.known_models())
    assert "Did you mean" not in message


def test_a_size_and_weights_that_do_not_fit_are_both_named() -> None:
    with pytest.raises(ValueError) as raised:
        registry.check_model("unet", 100, "missing.h5")
    assert str(raised.value) == (
        "IMAGE_SIZE=100 does not fit unet; use a multiple of 32, at least 32. "
        "ENCODER_WEIGHTS=missing.h5 is no file; give imagenet, none, or the path of a MobileNetV2 "
        "weights file (.h5)."
    )
