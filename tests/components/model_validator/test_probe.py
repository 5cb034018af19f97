"""What a model's answers are held against, without a process of their own."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import tensorflow as tf

from components.model_validator import probe
from components.model_validator.validate import write_requests
from models import signatures
from tests.components.model_validator.small_models import LOGITS, export, network, serve
from tests.models.drawn_pets import IMAGE_SIZE, NUM_CLASSES
from tests.models.small_model import CONFIG

Reason = Callable[..., str]


@pytest.fixture
def reason(examples: list[bytes], tmp_path: Path) -> Reason:
    """Says what is wrong with a sound model of which some signatures are other functions."""

    def found(**functions: tf.types.experimental.ConcreteFunction | None) -> str:
        model = export(tmp_path / "model", **functions)
        write_requests(tmp_path, model, examples, CONFIG)
        probe.main(tmp_path)
        return json.loads((tmp_path / probe.VERDICT).read_text())

    return found


def test_a_sound_model(reason: Reason) -> None:
    assert reason() == ""


@pytest.mark.parametrize(
    "name", ["serving_default", "from_examples", "transform_features", signatures.NETWORK]
)
def test_every_signature_is_needed(reason: Reason, name: str) -> None:
    assert reason(**{name: None}).startswith(f"The model has no signature `{name}`; ")


def test_values_that_are_not_finite(reason: Reason) -> None:
    assert reason(network=network(lambda pixels: tf.fill(LOGITS, float("nan")))) == (
        "Signature `network` gives values in logits that are NaN or infinite; train again, with a "
        "lower LEARNING_RATE."
    )


def test_an_input_of_another_dtype(reason: Reason) -> None:
    found = reason(network=network(lambda pixels: tf.zeros(LOGITS), tf.uint8))
    assert found.startswith("Signature `network` takes pixels uint8, not pixels float32; ")


@pytest.mark.parametrize(
    ("answer", "name", "given"),
    [
        (tf.zeros([1, IMAGE_SIZE, IMAGE_SIZE, 1]), "logits", f"float32 {[*LOGITS[:3], 1]}"),
        (tf.zeros(LOGITS, tf.float16), "logits", f"float16 {LOGITS}"),
        (tf.zeros(LOGITS), "scores", f"float32 {LOGITS}"),
    ],
    ids=["shape", "dtype", "name"],
)
def test_an_output_that_is_another(
    reason: Reason, answer: tf.Tensor, name: str, given: str
) -> None:
    found = reason(network=network(lambda pixels: tf.identity(answer), name=name))
    assert found.startswith(
        f"Signature `network` gives {name} {given}, not logits float32 {LOGITS}; "
    )


@pytest.mark.parametrize(
    ("mask", "given"),
    [
        (lambda image: tf.io.encode_png(tf.zeros([5, 4, 1], tf.uint8)), "a mask of [5, 4, 1] with"),
        (
            lambda image: tf.io.encode_png(tf.ones_like(image[..., :1]) * NUM_CLASSES),
            f"values up to {NUM_CLASSES} for",
        ),
        (lambda image: tf.constant(b"mask"), "no PNG in mask_png_bytes"),
    ],
    ids=["size", "class", "format"],
)
def test_masks_that_are_none_of_the_image(
    reason: Reason, mask: Callable[[tf.Tensor], tf.Tensor], given: str
) -> None:
    found = reason(serving_default=serve(mask))
    assert found.startswith("Signature `serving_default` gives ")
    assert given in found


def test_a_signature_that_fails(reason: Reason) -> None:
    def refuse(pixels: tf.Tensor) -> tf.Tensor:
        with tf.control_dependencies([tf.debugging.assert_less(pixels, -1.0, "Too bright.")]):
            return tf.zeros(LOGITS)

    found = reason(network=network(refuse))
    assert found.startswith("Signature `network` fails where there is TensorFlow alone (")
    assert "Too bright" in found
