"""The training input: order, values, shuffling and flips."""

import gc
import tempfile
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_transform as tft

from models import data
from tests.models.drawn_pets import IMAGE_SIZE, Pet, encode, pets, write_shard

Pairs = list[tuple[np.ndarray, np.ndarray]]


def through_the_graph(output: tft.TFTransformOutput, drawn: list[Pet]) -> Pairs:
    """The pets through the stored graph, all in one call."""
    raw = {
        "image": tf.constant([pet.image for pet in drawn]),
        "label": tf.constant([encode(pet.mask, "PNG") for pet in drawn]),
    }
    features = output.transform_features_layer()(raw)
    return list(zip(features["image"].numpy(), features["label"].numpy(), strict=True))


def assert_equal(found: Pairs, expected: Pairs) -> None:
    assert len(found) == len(expected)
    for (image, mask), (expected_image, expected_mask) in zip(found, expected, strict=True):
        np.testing.assert_array_equal(image, expected_image)
        np.testing.assert_array_equal(mask, expected_mask)


def numbered(count: int, side: int = 6) -> tf.data.Dataset:
    """Pairs whose image holds in its channels the mask, the pair's number and the column."""
    rng = np.random.default_rng(0)
    masks = rng.integers(0, 3, (count, side, side)).astype(np.uint8)
    numbers = np.broadcast_to(np.arange(count, dtype=np.uint8)[:, None, None], masks.shape)
    columns = np.broadcast_to(np.arange(side, dtype=np.uint8), masks.shape)
    return tf.data.Dataset.from_tensor_slices((np.stack([masks, numbers, columns], -1), masks))


def taken(batches: tf.data.Dataset, count: int) -> tuple[np.ndarray, np.ndarray]:
    """The first batches as one array of images and one of masks."""
    images, masks = zip(*batches.take(count).as_numpy_iterator(), strict=True)
    return np.concatenate(images), np.concatenate(masks)


# What keeps the decoded pixels in memory, what on disk, and what nowhere.
KEPT: dict[str, dict[str, float]] = {
    "in memory": {},
    "on disk": {"_IN_MEMORY": 0},
    "nowhere": {"_CACHE_SHARE": 0},
}


def kept(where: str, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """Makes `load_split` keep what it decodes there, with its files in a folder."""
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    for name, value in KEPT[where].items():
        monkeypatch.setattr(data, name, value)


@pytest.mark.parametrize("suffix", [".tfrecord", ".gz"])
@pytest.mark.parametrize("where", KEPT)
def test_load_split_keeps_order_and_values(
    transform_output: tft.TFTransformOutput,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    suffix: str,
    where: str,
) -> None:
    kept(where, monkeypatch, tmp_path)
    drawn = pets(7)
    examples = [pet.example() for pet in drawn]
    write_shard(tmp_path / f"train-00001-of-00002{suffix}", examples[4:])
    write_shard(tmp_path / f"train-00000-of-00002{suffix}", examples[:4])
    write_shard(tmp_path / f"val-00000-of-00001{suffix}", examples[:1])
    split = data.load_split([str(tmp_path / "train-*")], transform_output, 7)
    image_spec, mask_spec = split.element_spec
    assert image_spec == tf.TensorSpec((IMAGE_SIZE, IMAGE_SIZE, 3), tf.uint8)
    assert mask_spec == tf.TensorSpec((IMAGE_SIZE, IMAGE_SIZE), tf.uint8)
    expected = through_the_graph(transform_output, drawn)
    assert_equal(list(split.as_numpy_iterator()), expected)
    assert_equal(list(split.as_numpy_iterator()), expected)


@pytest.mark.parametrize("where", ["in memory", "on disk"])
def test_a_split_is_decoded_once(
    transform_output: tft.TFTransformOutput,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    where: str,
) -> None:
    kept(where, monkeypatch, tmp_path)
    shard = Path(write_shard(tmp_path / "train.tfrecord", [pet.example() for pet in pets(3)]))
    split = data.load_split([str(shard)], transform_output, 3)
    first = list(split.as_numpy_iterator())
    shard.unlink()
    assert_equal(list(split.as_numpy_iterator()), first)


def test_a_split_that_finds_no_room_is_decoded_every_time(
    transform_output: tft.TFTransformOutput, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept("nowhere", monkeypatch, tmp_path)
    shard = Path(write_shard(tmp_path / "train.tfrecord", [pet.example() for pet in pets(3)]))
    split = data.load_split([str(shard)], transform_output, 3)
    assert len(list(split.as_numpy_iterator())) == 3
    shard.unlink()
    with pytest.raises(tf.errors.NotFoundError):
        list(split.as_numpy_iterator())


def test_pixels_on_disk_go_with_their_split(
    transform_output: tft.TFTransformOutput, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept("on disk", monkeypatch, tmp_path)
    shard = write_shard(tmp_path / "train.tfrecord", [pet.example() for pet in pets(3)])
    split = data.load_split([shard], transform_output, 3)
    batches = data.training_batches(split, batch_size=2, seed=0)
    [folder] = tmp_path.glob("decoded-*")
    del split
    assert len(list(batches.take(4))) == 4  # what is made of it needs it still
    del batches
    gc.collect()
    assert not folder.exists()


@pytest.mark.parametrize("suffix", [".tfrecord", ".gz"])
def test_a_truncated_shard_raises(
    transform_output: tft.TFTransformOutput, tmp_path: Path, suffix: str
) -> None:
    shard = Path(write_shard(tmp_path / f"train{suffix}", [pet.example() for pet in pets(3)]))
    content = shard.read_bytes()
    shard.write_bytes(content[: len(content) * 2 // 3])
    split = data.load_split([str(shard)], transform_output, 3)
    with pytest.raises(tf.errors.DataLossError):
        list(split.as_numpy_iterator())


def test_a_truncated_shard_leaves_no_pixels_on_disk(
    transform_output: tft.TFTransformOutput, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept("on disk", monkeypatch, tmp_path)
    shard = Path(write_shard(tmp_path / "train.tfrecord", [pet.example() for pet in pets(3)]))
    shard.write_bytes(shard.read_bytes()[:-9])
    with pytest.raises(tf.errors.DataLossError):
        data.load_split([str(shard)], transform_output, 3)
    gc.collect()
    assert not list(tmp_path.glob("decoded-*"))


@pytest.mark.parametrize("num_examples", [2, 4])
def test_another_number_of_examples_than_announced_raises(
    transform_output: tft.TFTransformOutput, tmp_path: Path, num_examples: int
) -> None:
    shard = write_shard(tmp_path / "train.tfrecord", [pet.example() for pet in pets(3)])
    split = data.load_split([shard], transform_output, num_examples)
    with pytest.raises(tf.errors.FailedPreconditionError):
        list(split.as_numpy_iterator())


def test_images_and_masks_are_flipped_together() -> None:
    images, masks = taken(data.training_batches(numbered(40), batch_size=8, seed=1), 25)
    assert (images.dtype, masks.dtype) == (np.float32, np.uint8)
    assert (images.shape, masks.shape) == ((200, 6, 6, 3), (200, 6, 6))
    np.testing.assert_array_equal(images[..., 0], masks)
    originals = dict(enumerate(mask for _, mask in numbered(40).as_numpy_iterator()))
    mirrored = images[:, 0, 0, 2] == 5
    for image, mask, flipped in zip(images, masks, mirrored, strict=True):
        columns = np.arange(6)[::-1] if flipped else np.arange(6)
        np.testing.assert_array_equal(image[..., 2], np.broadcast_to(columns, (6, 6)))
        np.testing.assert_array_equal(mask, originals[int(image[0, 0, 1])][:, columns])
    # Half of 200, within five standard deviations.
    assert 65 < mirrored.sum() < 135
    # Flips are drawn anew: some pair is seen both ways.
    ways = {(int(image[0, 0, 1]), bool(way)) for image, way in zip(images, mirrored, strict=True)}
    assert len(ways) > 40


@pytest.mark.parametrize("batch_size", [1, 4, 10])
def test_every_example_is_seen_once_an_epoch(batch_size: int) -> None:
    images, _ = taken(data.training_batches(numbered(10), batch_size, seed=1), 40 // batch_size)
    epochs = images[:, 0, 0, 1].astype(int).reshape(4, 10)
    for epoch in epochs:
        assert sorted(epoch) == list(range(10))
    assert len({tuple(epoch) for epoch in epochs}) == 4


def test_the_same_seed_gives_the_same_batches() -> None:
    runs = [taken(data.training_batches(numbered(40), 4, seed=5), 40) for _ in range(4)]
    for images, masks in runs[1:]:
        np.testing.assert_array_equal(images, runs[0][0])
        np.testing.assert_array_equal(masks, runs[0][1])
    other, _ = taken(data.training_batches(numbered(40), 4, seed=6), 40)
    assert (other[..., 1] != runs[0][0][..., 1]).any()


def test_a_split_smaller_than_the_batch_still_trains() -> None:
    images, _ = taken(data.training_batches(numbered(3), batch_size=8, seed=1), 3)
    assert np.bincount(images[:, 0, 0, 1].astype(int)).tolist() == [8, 8, 8]


@pytest.mark.parametrize("batch_size", [1, 4, 10, 16])
def test_evaluation_sees_every_example_once_in_order(batch_size: int) -> None:
    batches = list(data.evaluation_batches(numbered(10), batch_size).as_numpy_iterator())
    images, masks = (np.concatenate(parts) for parts in zip(*batches, strict=True))
    expected = list(numbered(10).as_numpy_iterator())
    assert (images.dtype, masks.dtype) == (np.float32, np.uint8)
    assert [len(batch) for batch, _ in batches[:-1]] == [batch_size] * (len(batches) - 1)
    assert_equal(list(zip(images, masks, strict=True)), expected)


def replicas(machines: int, devices: int) -> list[tf.distribute.InputContext]:
    """What TensorFlow tells each of the machines that have so many devices each."""
    return [
        tf.distribute.InputContext(machines, machine, machines * devices)
        for machine in range(machines)
    ]


CLUSTERS = [(1, 1), (2, 1), (1, 2), (2, 2), (4, 1)]


@pytest.mark.parametrize(("machines", "devices"), CLUSTERS)
def test_replicas_together_see_the_batches_of_one(machines: int, devices: int) -> None:
    alone, _ = taken(data.training_batches(numbered(10), 4, seed=1, first_step=3), 12)
    expected = np.sort(alone[:, 0, 0, 1].reshape(12, 4))
    shares = []
    for context in replicas(machines, devices):
        batches = data.training_batches(numbered(10), 4, 1, first_step=3, replicas=context)
        images, _ = taken(batches, 12 * devices)
        shares.append(images[:, 0, 0, 1].reshape(12, -1))
    np.testing.assert_array_equal(np.sort(np.concatenate(shares, axis=1)), expected)


@pytest.mark.parametrize(("machines", "devices"), CLUSTERS)
@pytest.mark.parametrize("count", [4, 5, 8, 9, 11, 15])
@pytest.mark.parametrize("batch_size", [4, 8])
def test_replicas_evaluate_every_example_once_in_equal_steps(
    machines: int, devices: int, count: int, batch_size: int
) -> None:
    steps = data.evaluation_steps(count, batch_size, machines * devices)
    seen = np.zeros((machines, len(steps)), int)
    numbers = []
    for machine, context in enumerate(replicas(machines, devices)):
        shares = data.evaluation_batches(numbered(count), batch_size, context)
        for index, (images, _) in enumerate(shares.as_numpy_iterator()):
            assert len(images) > 0
            seen[machine, index // devices] += len(images)
            numbers.extend(images[:, 0, 0, 1])
        assert index == len(steps) * devices - 1
    assert sorted(numbers) == list(range(count))
    assert seen.sum(axis=0).tolist() == steps


def test_what_replicas_cannot_share_ends_in_words() -> None:
    context = replicas(3, 1)[0]
    with pytest.raises(ValueError, match="BATCH_SIZE=4 cannot be shared evenly by 3 replicas"):
        data.training_batches(numbered(10), 4, seed=1, replicas=context)
    with pytest.raises(ValueError, match="3 replicas cannot share a validation split of 2"):
        data.evaluation_batches(numbered(2), 4, context)
