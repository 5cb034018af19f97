"""The exported model: its signatures against each other and against the training path."""

import json
import re
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
import tensorflow_transform as tft
from PIL import Image

from models import data
from models.config import TrainingConfig
from models.provenance import PROVENANCE
from models.signatures import ImageModule
from tests.models.drawn_pets import (
    CLASS_NAMES,
    NUM_CLASSES,
    PALETTE,
    Pet,
    count_boundaries,
    count_confusion,
    decode_mask,
    draw_pixels,
    encode,
    write_shard,
)
from tests.models.sent_images import save, turned

SERVED_WITHOUT_PROJECT = """
import importlib.util, sys
import numpy as np
import tensorflow as tf

absent = [name for name in ("models", "pipeline") if importlib.util.find_spec(name) is None]
model = tf.saved_model.load(sys.argv[1])
images = [open(path, "rb").read() for path in sys.argv[3:]]
answer = model.signatures["serving_default"](image_bytes=tf.constant(images))
np.savez(
    sys.argv[2],
    absent=absent,
    transform="tensorflow_transform" in sys.modules,
    masks=answer["mask_png_bytes"].numpy(),
    fractions=answer["class_fractions"].numpy(),
)
"""


@pytest.fixture(scope="module")
def loaded(saved_model: Path) -> tf.Module:
    """The export, loaded."""
    return tf.saved_model.load(str(saved_model))


def serve(loaded: tf.Module, images: list[bytes]) -> tuple[list[np.ndarray], np.ndarray]:
    """Masks and class fractions from serving_default."""
    answer = loaded.signatures["serving_default"](image_bytes=tf.constant(images))
    masks = [decode_mask(png) for png in answer["mask_png_bytes"].numpy()]
    return masks, answer["class_fractions"].numpy()


def test_served_is_the_average_of_both_views_and_the_edge_gets_one(
    network: keras.Model, transform_output: tft.TFTransformOutput, config: TrainingConfig
) -> None:
    mirrored = config.model_copy(update={"mirrored": True})
    single = ImageModule(network, transform_output, config)
    averaged = ImageModule(network, transform_output, mirrored)
    pixels, _ = draw_pixels(3, (64, 64))
    images = tf.constant([encode(pixels, "PNG"), encode(pixels[:, ::-1], "PNG")])
    fractions = averaged.serve(images)["class_fractions"].numpy()
    np.testing.assert_allclose(fractions[0], fractions[1], atol=1e-3)
    assert np.abs(np.diff(single.serve(images)["class_fractions"], axis=0)).max() > 0.01
    preprocessed = tf.random.stateless_uniform((1, *network.input_shape[1:]), (0, 1), 0, 255)
    logits = averaged.network(preprocessed)["logits"]
    np.testing.assert_allclose(logits, network(preprocessed), atol=1e-4)


def test_names_and_types(loaded: tf.Module) -> None:
    found = {
        name: (
            {key: spec.dtype for key, spec in function.structured_input_signature[1].items()},
            {key: spec.dtype for key, spec in function.structured_outputs.items()},
        )
        for name, function in loaded.signatures.items()
    }
    assert found == {
        "serving_default": (
            {"image_bytes": tf.string},
            {"mask_png_bytes": tf.string, "class_fractions": tf.float32},
        ),
        "from_examples": (
            {"examples": tf.string},
            {
                "mask_png_bytes": tf.string,
                "confusion_matrix": tf.float32,
                "boundary_counts": tf.float32,
            },
        ),
        "transform_features": (
            {"examples": tf.string},
            {"image": tf.float32, "label": tf.int64, "size": tf.int64},
        ),
        "network": ({"pixels": tf.float32}, {"logits": tf.float32}),
    }
    for name, function in loaded.signatures.items():
        if name == "network":
            continue
        (spec,) = function.structured_input_signature[1].values()
        assert spec.shape.as_list() == [None]


def test_no_layer_of_transform_is_kept_beside_the_signatures(loaded: tf.Module) -> None:
    """A SavedModel would hold functions of it that nobody calls."""
    assert not hasattr(loaded, "_transform")


def test_masks_have_their_images_sizes_and_every_class(loaded: tf.Module, drawn: list[Pet]) -> None:
    masks, _ = serve(loaded, [pet.image for pet in drawn])
    assert [mask.shape for mask in masks] == [pet.mask.shape for pet in drawn]
    assert len({mask.shape for mask in masks}) > 3
    assert set(np.concatenate([mask.ravel() for mask in masks])) == set(range(NUM_CLASSES))


def test_class_fractions_are_those_of_the_mask(loaded: tf.Module, drawn: list[Pet]) -> None:
    masks, fractions = serve(loaded, [pet.image for pet in drawn])
    expected = [np.bincount(mask.ravel(), minlength=NUM_CLASSES) / mask.size for mask in masks]
    np.testing.assert_allclose(fractions, expected, rtol=1e-6)
    np.testing.assert_allclose(fractions.sum(axis=1), 1, rtol=1e-6)


def test_examples_get_the_masks_that_images_get(loaded: tf.Module, drawn: list[Pet]) -> None:
    masks, _ = serve(loaded, [pet.image for pet in drawn])
    examples = tf.constant([pet.example() for pet in drawn])
    answer = loaded.signatures["from_examples"](examples=examples)
    for pet, mask, png, confusion, boundary in zip(
        drawn,
        masks,
        answer["mask_png_bytes"].numpy(),
        answer["confusion_matrix"].numpy(),
        answer["boundary_counts"].numpy(),
        strict=True,
    ):
        np.testing.assert_array_equal(decode_mask(png), mask)
        np.testing.assert_array_equal(confusion, count_confusion(pet.mask, mask, NUM_CLASSES))
        np.testing.assert_array_equal(boundary, count_boundaries(pet.mask, mask, NUM_CLASSES))


def test_the_training_path_gives_the_masks_that_are_served(
    loaded: tf.Module,
    drawn: list[Pet],
    network: keras.Model,
    transform_output: tft.TFTransformOutput,
    tmp_path: Path,
) -> None:
    shard = write_shard(tmp_path / "train.tfrecord", [pet.example() for pet in drawn])
    split = data.load_split([shard], transform_output, tf.uint8, len(drawn))
    ((images, _),) = data.evaluation_batches(split, len(drawn))
    logits = network(images, training=False)
    masks, _ = serve(loaded, [pet.image for pet in drawn])
    for pet, mask, small in zip(drawn, masks, logits, strict=True):
        resized = tf.image.resize(small, pet.mask.shape).numpy()
        other = resized.argmax(axis=-1) != mask
        # The exported graph sums in another order: only a tie may fall the other way.
        second, first = np.moveaxis(np.sort(resized, axis=-1)[..., -2:], -1, 0)
        assert (first - second)[other].max(initial=0) < 1e-5
        assert other.mean() < 1e-3


def test_transform_features_equal_the_training_input(
    loaded: tf.Module, drawn: list[Pet], transform_output: tft.TFTransformOutput, tmp_path: Path
) -> None:
    examples = [pet.example() for pet in drawn]
    split = data.load_split(
        [write_shard(tmp_path / "train.tfrecord", examples)], transform_output, tf.uint8, len(drawn)
    )
    features = loaded.signatures["transform_features"](examples=tf.constant(examples))
    images, masks = zip(*split.pairs.as_numpy_iterator(), strict=True)
    np.testing.assert_array_equal(features["image"], images)
    np.testing.assert_array_equal(features["label"], masks)
    assert features["size"].numpy().tolist() == [list(pet.mask.shape) for pet in drawn]


def test_an_images_mask_does_not_depend_on_its_batch(loaded: tf.Module, drawn: list[Pet]) -> None:
    together, _ = serve(loaded, [pet.image for pet in drawn])
    for pet, mask in zip(drawn, together, strict=True):
        (alone,), _ = serve(loaded, [pet.image])
        assert (alone != mask).mean() < 1e-3


def test_any_image_is_served(loaded: tf.Module) -> None:
    pixels, _ = draw_pixels(3, (90, 61))
    alpha = np.dstack([pixels, np.full(pixels.shape[:2], 255, np.uint8)])
    deep = pixels[..., 0].astype(np.uint16) << 8
    images = [
        encode(pixels, "PNG"),
        encode(alpha, "PNG"),
        encode(deep, "PNG"),
        encode(pixels[..., 0], "JPEG"),
        encode(pixels[:1, :1], "PNG"),
    ]
    masks, fractions = serve(loaded, images)
    assert [mask.shape for mask in masks] == [(90, 61)] * 4 + [(1, 1)]
    assert np.isfinite(fractions).all()
    np.testing.assert_array_equal(masks[0], masks[1])


def test_the_mask_is_of_the_upright_image(loaded: tf.Module) -> None:
    photo = Image.fromarray(draw_pixels(3, (90, 61))[0])
    stored = photo.transpose(Image.Transpose.ROTATE_90)
    (mask, shown), fractions = serve(loaded, [turned(stored, 6, "PNG"), save(photo, "PNG")])
    assert mask.shape == (90, 61)
    assert (mask != shown).mean() < 1e-3
    np.testing.assert_allclose(*fractions, atol=1e-3)


def test_a_large_image_gets_a_mask_that_was_decided_small(loaded: tf.Module) -> None:
    """Of 12 megapixels; nearly the mask that its own size would have given."""
    photo = Image.fromarray(draw_pixels(3, (90, 120))[0]).resize((4000, 3000))
    (mask,), fractions = serve(loaded, [save(photo, "JPEG", quality=90)])
    (small,), _ = serve(loaded, [save(photo.resize((2000, 1500)), "PNG")])
    assert mask.shape == (3000, 4000)
    assert (mask[::2, ::2] == small).mean() > 0.99
    shares = np.bincount(mask.ravel(), minlength=NUM_CLASSES) / mask.size
    np.testing.assert_allclose(fractions[0], shares, atol=1e-3)


def test_a_large_image_is_refused_in_a_sentence(loaded: tf.Module) -> None:
    header = save(Image.new("L", (8000, 6251)), "JPEG")[:1000]
    with pytest.raises(
        tf.errors.InvalidArgumentError,
        match=r"\[The image \(8000 x 6251\) is larger than 50 megapixels, .*: make it smaller and",
    ):
        serve(loaded, [header])


def test_a_corrupt_image_is_refused(loaded: tf.Module, drawn: list[Pet]) -> None:
    with pytest.raises(tf.errors.InvalidArgumentError, match="PNG data, size 60"):
        serve(loaded, [drawn[1].image[:60]])


def test_of_a_batch_the_refused_image_is_named(loaded: tf.Module, drawn: list[Pet]) -> None:
    """Also one that the decoder refuses after its header was read."""
    sound = drawn[0].image
    large = save(Image.new("L", (8000, 6251)), "JPEG")[:1000]
    for broken, told in (
        (b"", "(0 bytes): The file is not an image that can be read: send a JPEG or PNG file."),
        (large, "(1000 bytes): The image (8000 x 6251) is larger than 50 megapixels, or than"),
        (sound[:60], "(60 bytes): The image is damaged or cut off: export or copy the file"),
        (sound[:-200], f"({len(sound) - 200} bytes): The image is damaged or cut off: export"),
    ):
        with pytest.raises(
            tf.errors.InvalidArgumentError, match=re.escape(f"[Image 2 of 3 {told}")
        ):
            serve(loaded, [sound, broken, sound])


def test_provenance(saved_model: Path, config: TrainingConfig) -> None:
    text = (saved_model / "assets.extra" / PROVENANCE).read_text()
    provenance = json.loads(text)
    assert provenance["class_names"] == list(CLASS_NAMES)
    assert provenance["max_megapixels"] == 50
    assert provenance["palette"] == [list(colour) for colour in PALETTE]
    assert provenance.pop("training") == {"steps": 0}
    assert TrainingConfig(**provenance) == config.model_copy(update={"model": "unet"})


def test_serves_in_a_fresh_process_without_the_project(
    saved_model: Path, loaded: tf.Module, drawn: list[Pet], tmp_path: Path
) -> None:
    images = []
    for number, pet in enumerate(drawn):
        images.append(tmp_path / str(number))
        images[-1].write_bytes(pet.image)
    result = tmp_path / "answer.npz"
    served = subprocess.run(
        [sys.executable, "-I", "-c", SERVED_WITHOUT_PROJECT, saved_model, result, *images],
        cwd=tmp_path,
        check=True,
        capture_output=True,
        timeout=120,
    )
    assert b"meta_optimizer" not in served.stderr  # whose complaints would fill a server's log
    answer = np.load(result, allow_pickle=True)
    assert answer["absent"].tolist() == ["models", "pipeline"]
    assert not answer["transform"]
    masks, fractions = serve(loaded, [pet.image for pet in drawn])
    np.testing.assert_array_equal(answer["fractions"], fractions)
    for png, mask in zip(answer["masks"], masks, strict=True):
        np.testing.assert_array_equal(decode_mask(png), mask)


def test_the_network_alone_has_every_size_fixed(
    loaded: tf.Module, drawn: list[Pet], network: keras.Model
) -> None:
    signature = loaded.signatures["network"]
    spec = signature.structured_input_signature[1]["pixels"]
    assert spec.shape.as_list() == [1, *network.input_shape[1:]]
    features = loaded.signatures["transform_features"](examples=tf.constant([drawn[0].example()]))
    logits = signature(pixels=features["image"])["logits"]
    expected = network(features["image"], training=False)
    np.testing.assert_allclose(logits, expected, atol=1e-4)
