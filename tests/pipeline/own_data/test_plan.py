"""The rules by which data choose what is trained."""

import importlib.util

import pytest

from pipeline.own_data.plan import choose


def chosen(task: str, images: int, side: int) -> dict[str, object]:
    choices = choose(task, images, [side - 1, side, side + 9])
    assert all(choice.why for choice in choices)
    return {choice.field: choice.value for choice in choices}


@pytest.mark.parametrize(
    ("side", "size"), [(20, 96), (127, 96), (150, 128), (256, 224), (4000, 224)]
)
def test_the_input_is_no_larger_than_the_images(side: int, size: int) -> None:
    assert chosen("segmentation", 100, side)["image_size"] == size


@pytest.mark.parametrize(("images", "epochs"), [(5, 40), (24, 40), (100, 20), (600, 8)])
def test_few_images_are_looked_at_more_often(images: int, epochs: int) -> None:
    assert chosen("segmentation", images, 256)["epochs"] == epochs


def test_few_images_are_varied_more() -> None:
    few, many = (chosen("classification", images, 256) for images in (24, 1000))
    assert few["augmentation"] > many["augmentation"] and few["batch_size"] < many["batch_size"]


def test_tiny_images_get_a_network_for_such() -> None:
    assert chosen("classification", 1000, 32) | {} != chosen("classification", 1000, 300)
    found = chosen("classification", 1000, 32)
    assert (found["model"], found["image_size"], found["optimizer"]) == ("airbench", 32, "sgd")


@pytest.mark.parametrize(
    ("task", "with_weights", "without"),
    [("segmentation", "unet", "unet_light"), ("classification", "classifier", "cnn")],
)
def test_what_is_not_installed_is_not_chosen(
    task: str, with_weights: str, without: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = chosen(task, 100, 256)
    assert (found["model"], found["encoder"]) == (with_weights, "efficientnet_lite0")
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    found = chosen(task, 100, 256)
    assert found["model"] == without and "encoder" not in found
