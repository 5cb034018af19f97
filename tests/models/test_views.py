"""Averaging over views."""

import keras
import numpy as np
import pytest

from models import registry
from models.views import average_mirrored


@pytest.mark.parametrize(
    ("task", "name"), [("classification", "tiny_vgg"), ("segmentation", "unet_light")]
)
def test_an_image_and_its_mirror_image_get_one_answer(task: str, name: str) -> None:
    keras.utils.set_random_seed(1)
    model = registry.build_model(task, name, 32, 3, "none")
    averaged = average_mirrored(model)
    images = np.random.default_rng(0).uniform(0, 255, (2, 32, 32, 3)).astype(np.float32)
    found, of_mirrored = np.asarray(averaged(images)), np.asarray(averaged(images[:, :, ::-1]))
    straight, mirrored = np.asarray(model(images)), np.asarray(model(images[:, :, ::-1]))
    if task == "segmentation":
        mirrored, of_mirrored = mirrored[:, :, ::-1], of_mirrored[:, :, ::-1]
    np.testing.assert_allclose(found, (straight + mirrored) / 2, atol=1e-5)
    np.testing.assert_allclose(found, of_mirrored, atol=1e-5)
    assert not np.allclose(found, straight, atol=1e-3)
