"""The architectures by name."""

import keras
import pytest

from models import registry


def test_known_models() -> None:
    names = registry.known_models("segmentation")
    assert "unet" in names
    assert names == sorted(names)
    for name in names:
        registry.check_model("segmentation", name, 96, "none")


@pytest.mark.parametrize(("name", "near"), [("unett", "unet"), ("Unet", "unet")])
def test_a_misspelt_name_is_answered_with_the_nearest(name: str, near: str) -> None:
    with pytest.raises(ValueError) as raised:
        registry.check_model("segmentation", name, 96, "none")
    message = str(raised.value)
    assert f"MODEL={name} is unknown" in message
    assert f"Did you mean {near}?" in message
    assert all(known in message for known in registry.known_models("segmentation"))


def test_a_strange_name_is_answered_with_the_known_ones() -> None:
    with pytest.raises(ValueError) as raised:
        registry.build_model("segmentation", "resnet152", 64, 3, "none")
    message = str(raised.value)
    assert "MODEL=resnet152 is unknown" in message
    assert all(known in message for known in registry.known_models("segmentation"))
    assert "Did you mean" not in message


def test_a_size_and_weights_that_do_not_fit_are_both_named() -> None:
    with pytest.raises(ValueError) as raised:
        registry.check_model("segmentation", "unet", 100, "missing.h5")
    assert str(raised.value) == (
        "IMAGE_SIZE=100 does not fit unet; use a multiple of 32, at least 32. "
        "ENCODER_WEIGHTS=missing.h5 is no file; give imagenet, none, or the path of a MobileNetV2 "
        "weights file (.h5)."
    )


def test_an_architecture_stands_on_any_encoder_that_has_its_strides() -> None:
    keras.utils.set_random_seed(1)
    for name, encoder in (("unet", "resnet_18"), ("segformer", "mobilenet_v2")):
        model = registry.build_model("segmentation", name, 64, 3, "none", encoder)
        assert model.output_shape == (None, 64, 64, 3)
        assert model.get_layer("encoder").name == "encoder"


def test_an_encoder_that_does_not_fit_is_named() -> None:
    for name, encoder, message in (
        ("unet", "resnet18", "ENCODER=resnet18 is unknown; .* Did you mean resnet_18?"),
        ("unet_light", "mit_b0", "ENCODER=mit_b0 does not fit unet_light, which takes none; unset"),
    ):
        with pytest.raises(ValueError, match=message):
            registry.check_model("segmentation", name, 96, "none", encoder)
    with pytest.raises(ValueError, match="IMAGE_SIZE=32 does not fit unet; .*, at least 64"):
        registry.check_model("segmentation", "unet", 32, "none", "mit_b0")
