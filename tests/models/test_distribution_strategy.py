"""How a training is distributed: what is chosen, and that replicas compute what one would."""

import json
import subprocess
from pathlib import Path

import pytest
import tensorflow as tf

from models import distribution
from tests.warm.commands import python

REPOSITORY = Path(__file__).parents[2]

# Trains on two devices and on one, on what mirroring leaves as it is: all must come out alike, but
# for Dice, which is a replica's own.
TWO_DEVICES_AND_ONE = """
import keras
import numpy as np
import tensorflow as tf
from keras import layers
from models import data, distribution
from models.segmentation.augmentation import augment
from models.segmentation.losses import CrossEntropyDice

rng = np.random.default_rng(0)
masks = rng.integers(0, 3, (13, 8, 4)).astype(np.uint8)
masks = np.concatenate([masks, masks[:, :, ::-1]], axis=2)
images = np.stack([60 * masks, 250 - 30 * masks, masks**2], axis=-1)

def train(strategy, loss):
    keras.utils.set_random_seed(1)
    pairs = tf.data.Dataset.from_tensor_slices((images, masks))
    with strategy.scope():
        inputs = keras.Input((8, 8, 3))
        x = layers.Conv2D(4, 3, padding="same")(layers.Rescaling(1 / 255)(inputs))
        x = layers.ReLU()(layers.BatchNormalization()(x))
        model = keras.Model(inputs, layers.Conv2D(3, 1)(x))
        if tf.distribute.has_strategy():
            model = distribution.on_replicas(model)
        model.compile(
            keras.optimizers.SGD(0.1, momentum=0.9),
            loss,
            metrics=[keras.metrics.MeanIoU(3, sparse_y_pred=False, name="mean_iou")],
        )
        model.optimizer.build(model.trainable_variables)
    history = model.fit(
        strategy.distribute_datasets_from_function(
            lambda replicas: data.training_batches(
                data.Split(pairs, 13), augment, 4, 1, replicas=replicas
            )
        ),
        validation_data=strategy.distribute_datasets_from_function(
            lambda replicas: data.evaluation_batches(data.Split(pairs.take(5), 5), 4, replicas)
        ),
        steps_per_epoch=3,
        validation_steps=len(data.evaluation_steps(5, 4, strategy.num_replicas_in_sync)),
        epochs=4,
        verbose=0,
    )
    return model.get_weights(), history.history

cpu = tf.config.LogicalDeviceConfiguration()
tf.config.set_logical_device_configuration(tf.config.list_physical_devices("CPU")[0], [cpu] * 2)
for loss, tolerance in [
    (keras.losses.SparseCategoricalCrossentropy(from_logits=True), 1e-3),
    (CrossEntropyDice(), 0.05),
]:
    one, one_history = train(tf.distribute.get_strategy(), loss)
    two, two_history = train(tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"]), loss)
    for left, right in zip(one, two, strict=True):
        np.testing.assert_allclose(left, right, atol=tolerance)
    assert one_history.keys() == two_history.keys() >= {"loss", "val_loss", "val_mean_iou"}
    for name, values in one_history.items():
        np.testing.assert_allclose(values, two_history[name], atol=tolerance, err_msg=name)
"""


def test_two_devices_train_as_one() -> None:
    subprocess.run([python(), "-c", TWO_DEVICES_AND_ONE], cwd=REPOSITORY, check=True)


def test_one_machine_trains_as_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TF_CONFIG", raising=False)
    assert distribution.strategy() is tf.distribute.get_strategy()
    alone = {"cluster": {"chief": ["host:1"]}, "task": {"type": "chief", "index": 0}}
    monkeypatch.setenv("TF_CONFIG", json.dumps(alone))
    assert distribution.strategy() is tf.distribute.get_strategy()


def test_one_machine_has_the_whole_input() -> None:
    context = distribution.input_context(tf.distribute.MirroredStrategy(["CPU:0"]))
    assert (context.num_input_pipelines, context.input_pipeline_id) == (1, 0)
    assert context.num_replicas_in_sync == 1


def test_several_gpus_mirror_the_model(monkeypatch: pytest.MonkeyPatch) -> None:
    gpus = [tf.config.PhysicalDevice(f"/physical_device:GPU:{index}", "GPU") for index in range(2)]
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: gpus)
    monkeypatch.delenv("TF_CONFIG", raising=False)
    assert isinstance(distribution.strategy(), tf.distribute.MirroredStrategy)


@pytest.mark.parametrize(
    ("setting", "complaint"),
    [
        ("{", "TF_CONFIG cannot be understood .*: set it to JSON such as"),
        ('{"cluster": 2}', "TF_CONFIG cannot be understood"),
        ('{"cluster": {"worker": ["a:1", "b:1"]}}', "TF_CONFIG cannot be understood"),
        (
            '{"cluster": {"worker": ["a:1", "b:1"]}, "task": {"type": "worker", "index": 2}}',
            "TF_CONFIG cannot be understood",
        ),
        (
            '{"cluster": {"worker": ["a:1"], "ps": ["b:1"]}, "task": {"type": "ps", "index": 0}}',
            "TF_CONFIG lists machines as ps: make them chief or worker",
        ),
    ],
)
def test_a_wrong_cluster_ends_in_words(
    monkeypatch: pytest.MonkeyPatch, setting: str, complaint: str
) -> None:
    monkeypatch.setenv("TF_CONFIG", setting)
    with pytest.raises(ValueError, match=complaint):
        distribution.strategy()
