"""The contract of every architecture of the registry."""

import functools
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
import tensorflow_transform as tft

from components.edge_exporter.convert import convert
from components.edge_exporter.runtime import LiteModel
from components.edge_exporter.variants import VARIANTS
from models import registry, signatures
from models.adamw import FusedAdamW
from models.config import TrainingConfig
from models.segmentation.losses import CrossEntropyDice
from tests.models.drawn_pets import (
    CLASS_NAMES,
    IMAGE_SIZE,
    NUM_CLASSES,
    decode_mask,
    draw_pixels,
    encode,
    figures,
)
from tests.models.small_model import CONFIG

STEPS = 60
BATCH = 4


@dataclass(frozen=True)
class Learner:
    """An architecture that has learned four images by heart.

    Attributes:
        name: of the architecture.
        model: the network, trained.
        initial: its trainable variables before.
        losses: of each step.
        unmoved: paths of the trainable variables that the first step left as they were.
    """

    name: str
    model: keras.Model
    initial: list[np.ndarray]
    losses: list[float]
    unmoved: list[str]


@functools.cache
def four_images() -> tuple[np.ndarray, np.ndarray]:
    """float32 [4, S, S, 3] in 0..255 and uint8 [4, S, S]."""
    drawn = [draw_pixels(seed, (IMAGE_SIZE, IMAGE_SIZE)) for seed in range(BATCH)]
    pixels, ids = (np.stack(arrays) for arrays in zip(*drawn, strict=True))
    return pixels.astype(np.float32), ids


def build(name: str) -> keras.Model:
    """The architecture from random weights, from a fixed seed."""
    keras.utils.set_random_seed(1)
    return registry.build_model("segmentation", name, IMAGE_SIZE, NUM_CLASSES, "none")


@pytest.fixture(scope="module", params=registry.known_models("segmentation"))
def learner(request: pytest.FixtureRequest) -> Learner:
    """Each architecture, built and trained once for all tests of this file."""
    model = build(request.param)
    model.compile(FusedAdamW(2e-3), CrossEntropyDice(), jit_compile=False)
    model.optimizer.build(model.trainable_variables)
    images, masks = four_images()
    initial = [variable.numpy() for variable in model.trainable_variables]
    losses = [float(model.train_on_batch(images, masks))]
    unmoved = [
        variable.path
        for variable, old in zip(model.trainable_variables, initial, strict=True)
        if np.array_equal(variable.numpy(), old)
    ]
    losses += [float(model.train_on_batch(images, masks)) for _ in range(STEPS - 1)]
    return Learner(request.param, model, initial, losses, unmoved)


@pytest.mark.slow  # four networks learn and are converted
class TestContract:
    def test_maps_images_to_logits_of_their_size(self, learner: Learner) -> None:
        model = learner.model
        assert model.input_shape == (None, IMAGE_SIZE, IMAGE_SIZE, 3)
        assert model.output_shape == (None, IMAGE_SIZE, IMAGE_SIZE, NUM_CLASSES)
        assert {tensor.dtype for tensor in (*model.inputs, *model.outputs)} == {"float32"}
        extremes = np.zeros((2, IMAGE_SIZE, IMAGE_SIZE, 3), np.float32)
        extremes[1] = 255
        logits = keras.ops.convert_to_numpy(model(extremes, training=False))
        assert np.isfinite(logits).all()

    def test_a_call_that_does_not_say_training_is_inference(self, learner: Learner) -> None:
        images, _ = four_images()
        expected = learner.model.predict_on_batch(images)
        np.testing.assert_allclose(learner.model(images), expected, atol=1e-4)

    def test_a_step_moves_every_weight(self, learner: Learner) -> None:
        # Equal logits cost ln 3 of cross-entropy and about two thirds of Dice.
        assert 1 < learner.losses[0] < 5
        assert not learner.unmoved

    def test_overfits_four_images(self, learner: Learner) -> None:
        assert learner.losses[-1] < 0.25 * learner.losses[0]
        images, masks = four_images()
        # Inference, which uses the BatchNorm layers' moving averages, has learned them too.
        predicted = learner.model.predict_on_batch(images).argmax(axis=-1)
        assert figures(list(zip(masks, predicted, strict=True)))["mean_iou"] > 0.8

    def test_every_batch_norm_arrives_in_a_short_training(self, learner: Learner) -> None:
        layers = learner.model._flatten_layers()
        momenta = [x.momentum for x in layers if isinstance(x, keras.layers.BatchNormalization)]
        assert all(momentum <= 0.9 for momentum in momenta)

    def test_logits_are_float32_under_mixed_precision(self, learner: Learner) -> None:
        before = keras.config.dtype_policy()
        keras.config.set_dtype_policy("mixed_bfloat16")
        try:
            mixed = build(learner.name)
        finally:
            keras.config.set_dtype_policy(before)
        assert any(layer.compute_dtype == "bfloat16" for layer in mixed._flatten_layers())
        mixed.set_weights(learner.model.get_weights())
        images, _ = four_images()
        logits = mixed(images, training=False)
        assert logits.dtype == tf.float32
        exact = learner.model.predict_on_batch(images)
        assert (logits.numpy().argmax(axis=-1) == exact.argmax(axis=-1)).mean() > 0.95

    def test_the_same_seed_gives_the_same_weights(self, learner: Learner) -> None:
        again = build(learner.name).trainable_variables
        for variable, value in zip(again, learner.initial, strict=True):
            np.testing.assert_array_equal(variable.numpy(), value)

    def test_the_export_answers_as_the_network(
        self,
        learner: Learner,
        transform_output: tft.TFTransformOutput,
        config: TrainingConfig,
        tmp_path: Path,
    ) -> None:
        config = config.model_copy(update={"model": learner.name})
        signatures.export(learner.model, transform_output, config, {}, str(tmp_path))
        served = tf.saved_model.load(str(tmp_path)).signatures["serving_default"]
        images, _ = four_images()
        # Of the network's own size, as PNG: nothing is lost or resized on the way.
        png = tf.constant([encode(image.astype(np.uint8), "PNG") for image in images])
        answer = served(image_bytes=png)["mask_png_bytes"].numpy()
        masks = np.stack([decode_mask(mask) for mask in answer])
        logits = np.sort(learner.model.predict_on_batch(images))
        expected = learner.model.predict_on_batch(images).argmax(axis=-1)
        # The exported graph sums in another order: only a tie may fall the other way.
        tied = logits[..., -1] - logits[..., -2] < 1e-3
        assert tied.mean() < 0.01
        np.testing.assert_array_equal(masks[~tied], expected[~tied])

    def test_every_lite_version_answers_as_the_network(self, learner: Learner) -> None:
        images, _ = four_images()
        module = tf.Module()
        module.network = tf.function(
            lambda pixels: {"logits": learner.model(pixels, training=False)},
            input_signature=[tf.TensorSpec([1, IMAGE_SIZE, IMAGE_SIZE, 3], tf.float32, "pixels")],
        )
        module.signatures = {"network": module.network.get_concrete_function()}
        config = CONFIG.model_copy(update={"image_size": IMAGE_SIZE, "class_names": CLASS_NAMES})
        made = dict(convert(module, list(images), config))
        expected = learner.model.predict_on_batch(images).argmax(axis=-1)
        found = {variant: same_classes(made[variant], images, expected) for variant in VARIANTS}
        assert found["float32"] > 0.999
        assert found["float16"] > 0.99
        assert min(found.values()) > 0.8
        assert len(made["int8"]) < 0.3 * len(made["float32"])


def same_classes(content: bytes, images: np.ndarray, expected: np.ndarray) -> float:
    """Share of the pixels in which a LiteRT model gives the expected classes."""
    model = LiteModel(content)
    return float(np.mean([model.answer(image.astype(np.uint8)) for image in images] == expected))


@pytest.mark.parametrize("name", registry.known_models("segmentation"))
class TestSizes:
    @pytest.mark.parametrize("image_size", [8, 65, 100])
    def test_one_that_does_not_fit_is_refused_in_words(self, name: str, image_size: int) -> None:
        message = f"IMAGE_SIZE={image_size} does not fit {name}; use a multiple of "
        for refuse in (
            lambda: registry.check_model("segmentation", name, image_size, "none"),
            lambda: registry.build_model("segmentation", name, image_size, NUM_CLASSES, "none"),
        ):
            with pytest.raises(ValueError, match=message):
                refuse()

    def test_others_and_other_numbers_of_classes_are_built(self, name: str) -> None:
        model = registry.build_model("segmentation", name, 96, 5, "none")
        assert model.output_shape == (None, 96, 96, 5)
