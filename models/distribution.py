"""Training on several GPUs and on several machines.

Every replica computes a share of each batch, and their gradients are summed before each step, so
that all hold the same weights: one model, as if from one machine with that batch.
"""

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from models import precision

_ROLES = {"chief", "worker"}


def strategy() -> tf.distribute.Strategy:
    """Choose how to train; to be called before TensorFlow computes anything.

    Returns:
        `MultiWorkerMirroredStrategy` where TF_CONFIG lists several machines, as Vertex AI Training
        sets it, which waits until all are there; `MirroredStrategy` on several GPUs; else
        TensorFlow's default, one replica. `extended.should_checkpoint` of each tells whether this
        process is the chief, the one that writes.

    Raises:
        ValueError: TF_CONFIG cannot be understood.
    """
    resolver = tf.distribute.cluster_resolver.TFConfigClusterResolver()
    try:
        cluster = resolver.cluster_spec()
        machines = sum(cluster.num_tasks(role) for role in cluster.jobs)
        if machines > 1:
            cluster.task_address(resolver.task_type, resolver.task_id)
    except (ValueError, TypeError) as error:
        raise ValueError(
            f"TF_CONFIG cannot be understood ({error}): set it to JSON such as "
            '{"cluster": {"worker": ["host0:port", "host1:port"]}, '
            '"task": {"type": "worker", "index": 0}}.'
        ) from error
    if unknown := sorted(set(cluster.jobs) - _ROLES):
        raise ValueError(
            f"TF_CONFIG lists machines as {' and '.join(unknown)}: make them chief or worker, for "
            "all machines train alike."
        )
    if machines > 1:
        return tf.distribute.MultiWorkerMirroredStrategy(resolver)
    if len(tf.config.list_physical_devices("GPU")) > 1:
        return tf.distribute.MirroredStrategy()
    return tf.distribute.get_strategy()


def input_context(strategy: tf.distribute.Strategy) -> tf.distribute.InputContext:
    """Tell how many machines and replicas there are, and which machine this is."""
    if not isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy):
        return tf.distribute.InputContext(num_replicas_in_sync=strategy.num_replicas_in_sync)
    resolver = strategy.cluster_resolver
    cluster = resolver.cluster_spec()
    machines = [
        (role, index) for role in sorted(cluster.jobs) for index in cluster.task_indices(role)
    ]
    this = machines.index((resolver.task_type, resolver.task_id))
    return tf.distribute.InputContext(len(machines), this, strategy.num_replicas_in_sync)


def mean(strategy: tf.distribute.Strategy, value: npt.ArrayLike) -> npt.NDArray[np.float32]:
    """Return the mean of numbers over all machines, each of which waits here for the others."""
    return strategy.reduce("MEAN", tf.constant(value, tf.float32), axis=None).numpy()


def on_replicas(network: keras.Model) -> keras.Model:
    """Make a network that `fit` trains under the strategy in scope.

    Its BatchNorm layers take their statistics over all replicas: these would otherwise keep
    statistics of their own, each of a small part of the batch.
    """
    for layer in network._flatten_layers():
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.synchronized = True
    with precision.applied(network.dtype_policy.name):
        return DistributedModel(network.input, network.output, name=network.name)


class DistributedModel(keras.Model):
    """What lets Keras 3 train under every strategy (github.com/keras-team/keras/issues/20585)."""

    def train_step(self, data: tuple[tf.Tensor, tf.Tensor]) -> dict[str, tf.Tensor]:
        """Keras' hook."""
        return self._reducible(super().train_step(data))

    def test_step(self, data: tuple[tf.Tensor, tf.Tensor]) -> dict[str, tf.Tensor]:
        """Keras' hook."""
        return self._reducible(super().test_step(data))

    def _reducible(self, logs: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """Keras takes the mean of several machines' logs along an axis that a scalar lacks."""
        if isinstance(self.distribute_strategy, tf.distribute.MultiWorkerMirroredStrategy):
            return {name: value[tf.newaxis] for name, value in logs.items()}
        return logs

    def _maybe_symbolic_build(self, iterator=None, data_batch=None) -> None:
        """Nothing, for everything is built.

        Keras would average a batch over the replicas, which fails on several machines, and take it
        from the data that the training is to see.
        """
