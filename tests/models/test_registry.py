"""The architectures by name."""

import pytest

from models import registry


def test_known_models() -> None:
    names = registry.known_models()
    assert "unet" in names
    assert names == sorted(names)
    for name in names:
        registry.check_model(name)


@pytest.mark.parametrize(("name", "near"), [("unett", "unet"), ("Unet", "unet")])
def test_a_misspelt_name_is_answered_with_the_nearest(name: str, near: str) -> None:
    with pytest.raises(ValueError) as raised:
        registry.check_model(name)
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


@pytest.mark.parametrize("name", registry.known_models())
@pytest.mark.parametrize(("image_size", "num_classes"), [(64, 3), (96, 5)])
def test_every_model_keeps_the_contract(name: str, image_size: int, num_classes: int) -> None:
    model = registry.build_model(name, image_size, num_classes, "none")
    assert model.input_shape == (None, image_size, image_size, 3)
    assert model.output_shape == (None, image_size, image_size, num_classes)
    assert {tensor.dtype for tensor in (*model.inputs, *model.outputs)} == {"float32"}
