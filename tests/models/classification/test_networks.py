"""The contract of every network that classifies."""

import math

import keras
import numpy as np
import pytest
import tensorflow as tf

from models import precision, registry
from models.classification import airbench
from models.classification.losses import SmoothedCrossEntropy

NUM_CLASSES = 10
# Trained weights: that of ResNet-20 is in the paper's table 6, 0.27 million.
PARAMETERS = {"airbench": 568_704, "cnn": 587_642, "resnet20": 269_722, "tiny_vgg": 9_420}


def build(name: str, encoder: str | None = None) -> keras.Model:
    keras.utils.set_random_seed(1)
    return registry.build_model("classification", name, 32, NUM_CLASSES, "none", encoder)


def pixels(number: int) -> np.ndarray:
    return np.random.default_rng(0).uniform(0, 255, (number, 32, 32, 3)).astype(np.float32)


@pytest.mark.parametrize("name", registry.known_models("classification"))
def test_learns_a_few_images_by_heart(name: str) -> None:
    model = build(name)
    counted = sum(math.prod(weight.shape) for weight in model.trainable_weights)
    assert counted == PARAMETERS.get(name, counted)
    images, labels = pixels(8), np.arange(8) % NUM_CLASSES
    assert model(images).shape == (8, NUM_CLASSES)
    model.compile(keras.optimizers.Adam(3e-3), SmoothedCrossEntropy(), jit_compile=False)
    losses = [float(model.train_on_batch(images, labels)) for _ in range(25)]
    assert min(losses[-5:]) < 0.7 * losses[0]


@pytest.mark.parametrize(("encoder", "channels"), [("efficientnet_b0", 1280), ("resnet_50", 2048)])
def test_the_head_reads_an_encoders_last_features(encoder: str, channels: int) -> None:
    model = build("classifier", encoder)
    assert model.get_layer("logits").kernel.shape == (channels, NUM_CLASSES)
    assert model(pixels(2)).shape == (2, NUM_CLASSES)


def test_resnet_50_sees_colours_as_its_published_weights_do() -> None:
    model = build("classifier", "resnet_50")
    images = pixels(2)
    scaled = keras.Model(model.input, model.get_layer("scale").output)(images)
    expected = keras.applications.resnet50.preprocess_input(images.copy())
    np.testing.assert_allclose(scaled, expected, atol=1e-4)


class TestWhitening:
    """The first layer of airbench."""

    def test_patches_have_variance_one_in_every_direction(self) -> None:
        model = build("airbench")
        smooth = tf.image.resize(pixels(200)[:, :8, :8], [32, 32]).numpy().round()
        batches = tf.data.Dataset.from_tensor_slices(smooth.astype(np.uint8)).batch(64)
        airbench.adapt(model, batches, np.asarray)
        whitened = keras.Model(model.input, model.get_layer("whiten").output)(smooth)
        directions = np.reshape(whitened, [-1, 24])[:, :12]
        covariance = np.cov(directions.T)
        found = np.diag(covariance)
        assert (found[:6] > 0.9).all() and (found < 1.01).all(), "but of noise"
        np.testing.assert_allclose(covariance - np.diag(found), 0, atol=0.02)
        np.testing.assert_allclose(np.reshape(whitened, [-1, 24])[:, 12:], -directions, atol=1e-4)

    def test_filters_do_not_depend_on_the_precision(self) -> None:
        smooth = tf.image.resize(pixels(64)[:, :2, :2], [32, 32]).numpy().round().astype(np.uint8)
        filters = []
        for policy in ("float32", "mixed_bfloat16"):
            with precision.applied(policy):
                model = build("airbench")
            airbench.adapt(model, tf.data.Dataset.from_tensors(smooth), np.asarray)
            filters.append(model.get_layer("whiten").get_weights()[0])
        assert np.isfinite(filters).all()
        np.testing.assert_array_equal(*filters)

    def test_other_convolutions_begin_as_the_identity(self) -> None:
        kernel = airbench.Identity()((3, 3, 4, 8), "float32").numpy()
        images = pixels(1)[:, :, :, [0, 1, 2, 0]]
        found = tf.nn.conv2d(images, kernel, 1, "SAME").numpy()
        np.testing.assert_allclose(found[..., :4], images)
        assert np.abs(kernel[..., 4:]).max() > 0
