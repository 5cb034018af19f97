"""Optimisers by name."""

import keras
import numpy as np
import pytest

from models.optimizers import make_optimizer
from tests.models.small_model import CONFIG


@pytest.mark.parametrize(
    ("name", "reference"),
    [
        ("adamw", keras.optimizers.AdamW(0.1, weight_decay=0.5)),
        ("adam", keras.optimizers.Adam(0.1)),
        ("sgd", keras.optimizers.SGD(0.1, momentum=0.9, nesterov=True, weight_decay=0.5)),
    ],
)
def test_a_kernel_takes_keras_steps(name: str, reference: keras.optimizers.Optimizer) -> None:
    config = {"optimizer": name, "learning_rate": 0.1, "weight_decay": 0.5}
    optimizers = [make_optimizer(CONFIG.model_copy(update=config)), reference]
    kernels = [keras.Variable(np.float32([1, -2, 3]), name="kernel") for _ in optimizers]
    for optimizer, kernel in zip(optimizers, kernels, strict=True):
        for step in range(5):
            optimizer.apply([np.float32([step, 1, -1])], [kernel])
    np.testing.assert_allclose(kernels[0].numpy(), kernels[1].numpy(), rtol=1e-5)


@pytest.mark.parametrize("name", ["adamw", "sgd"])
def test_what_is_no_kernel_does_not_decay(name: str) -> None:
    config = CONFIG.model_copy(update={"optimizer": name, "weight_decay": 0.5})
    bias = keras.Variable(np.float32([1, -2]), name="bias")
    make_optimizer(config).apply([np.float32([0, 0])], [bias])
    np.testing.assert_array_equal(bias.numpy(), [1, -2])


@pytest.mark.parametrize("name", ["adamw", "adam", "sgd"])
def test_a_pretrained_kernel_learns_at_a_tenth_of_the_rate_and_does_not_decay(name: str) -> None:
    config = {"optimizer": name, "learning_rate": 0.1, "weight_decay": 0.5}
    fine, new = (keras.Variable(np.float32([1, -2, 3]), name="kernel") for _ in range(2))
    optimizer = make_optimizer(CONFIG.model_copy(update=config), [fine])
    undecayed = keras.Variable(np.float32([1, -2, 3]), name="bias")
    gradient = np.float32([2, 1, -1])
    optimizer.apply([gradient] * 3, [fine, new, undecayed])
    step = undecayed.numpy() - [1, -2, 3]
    np.testing.assert_allclose(fine.numpy() - [1, -2, 3], 0.1 * step, rtol=1e-4)
    assert (new.numpy() != undecayed.numpy()).any() == (name != "adam")
