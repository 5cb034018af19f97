"""The fused AdamW against Keras' own."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from models.adamw import FusedAdamW


def trained(optimizer: keras.optimizers.AdamW, steps: int = 20) -> list[np.ndarray]:
    """The weights and moments after some steps on the same data, one weight without decay."""
    keras.utils.set_random_seed(3)
    model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(4), keras.layers.Dense(1)])
    optimizer.exclude_from_weight_decay(var_names=["bias"])
    model.compile(optimizer, "mse")
    images, truth = np.random.rand(16, 8).astype("float32"), np.ones((16, 1), "float32")
    for step in range(steps):
        optimizer.learning_rate = 0.1 / (1 + step)
        model.train_on_batch(images, truth)
    moments = [variable.numpy() for variable in optimizer.variables]
    return [*model.get_weights(), *moments]


@pytest.mark.parametrize("weight_decay", [0.0, 0.3])
def test_it_goes_where_keras_goes(weight_decay: float) -> None:
    ours = trained(FusedAdamW(0.1, weight_decay=weight_decay))
    theirs = trained(keras.optimizers.AdamW(0.1, weight_decay=weight_decay))
    for own, peer in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(own, peer, rtol=1e-4, atol=1e-6)


def test_it_has_one_operation_for_each_variable() -> None:
    optimizer = FusedAdamW(0.1, weight_decay=0.0)
    variables = [tf.Variable(tf.ones([2])) for _ in range(50)]
    optimizer.build(variables)

    @tf.function
    def step() -> None:
        optimizer.apply([tf.ones([2])] * len(variables), variables)

    names = [operation.type for operation in step.get_concrete_function().graph.get_operations()]
    assert names.count("ResourceApplyAdam") == len(variables)


def test_it_is_loaded_with_its_model(tmp_path) -> None:
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile(FusedAdamW(0.1, weight_decay=0.2), "mse")
    model.train_on_batch(np.ones((2, 2)), np.ones((2, 1)))
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras").optimizer
    assert type(loaded) is FusedAdamW
    for one, other in zip(loaded.variables, model.optimizer.variables, strict=True):
        np.testing.assert_array_equal(one.numpy(), other.numpy())
