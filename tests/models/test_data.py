"""The training input: order, values, shuffling and flips."""

import gc
import tempfile
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_transform as tft

from models import data
from models.segmentation.augmentation import augment
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


def numbered(count: int, owned: np.ndarray | None = None, side: int = 6) -> data.Split:
    """A machine's share: images hold in their channels the mask, their number and the column."""
    rng = np.random.default_rng(0)
    masks = rng.integers(0, 3, (count, side, side)).astype(np.uint8)
    numbers = np.broadcast_to(np.arange(count, dtype=np.uint8)[:, None, None], masks.shape)
    columns = np.broadcast_to(np.arange(side, dtype=np.uint8), masks.shape)
    own = slice(None) if owned is None else owned
    images = np.stack([masks, numbers, columns], -1)
    return data.Split(tf.data.Dataset.from_tensor_slices((images[own], masks[own])), count)


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
    split = data.load_split([str(tmp_path / "train-*")], transform_output, tf.uint8, 7)
    image_spec, mask_spec = split.pairs.element_spec
    assert image_spec == tf.TensorSpec((IMAGE_SIZE, IMAGE_SIZE, 3), tf.uint8)
    assert mask_spec == tf.TensorSpec((IMAGE_SIZE, IMAGE_SIZE), tf.uint8)
    expected = through_the_graph(transform_output, drawn)
    assert_equal(list(split.pairs.as_numpy_iterator()), expected)
    assert_equal(list(split.pairs.as_numpy_iterator()), expected)


@pytest.mark.parametrize("where", ["in memory", "on disk"])
def test_a_split_is_decoded_once(
    transform_output: tft.TFTransformOutput,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    where: str,
) -> None:
    kept(where, monkeypatch, tmp_path)
    shard = Path(write_shard(tmp_path / "train.tfrecord", [pet.example() for pet in pets(3)]))
    split = data.load_split([str(shard)], transform_output, tf.uint8, 3)
    first = list(split.pairs.as_numpy_iterator())
    shard.unlink()
    assert_equal(list(split.pairs.as_numpy_iterator()), first)


def test_a_split_that_finds_no_room_is_decoded_every_time(
    transform_output: tft.TFTransformOutput, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept("nowhere", monkeypatch, tmp_path)
    shard = Path(write_shard(tmp_path / "train.tfrecord", [pet.example() for pet in pets(3)]))
    split = data.load_split([str(shard)], transform_output, tf.uint8, 3)
    assert len(list(split.pairs.as_numpy_iterator())) == 3
    shard.unlink()
    with pytest.raises(tf.errors.NotFoundError):
        list(split.pairs.as_numpy_iterator())


def test_pixels_on_disk_go_with_their_split(
    transform_output: tft.TFTransformOutput, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept("on disk", monkeypatch, tmp_path)
    shard = write_shard(tmp_path / "train.tfrecord", [pet.example() for pet in pets(3)])
    split = data.load_split([shard], transform_output, tf.uint8, 3)
    batches = data.training_batches(split, augment, batch_size=2, seed=0)
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
    split = data.load_split([str(shard)], transform_output, tf.uint8, 3)
    with pytest.raises(tf.errors.DataLossError):
        list(split.pairs.as_numpy_iterator())


def test_a_truncated_shard_leaves_no_pixels_on_disk(
    transform_output: tft.TFTransformOutput, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept("on disk", monkeypatch, tmp_path)
    shard = Path(write_shard(tmp_path / "train.tfrecord", [pet.example() for pet in pets(3)]))
    shard.write_bytes(shard.read_bytes()[:-9])
    with pytest.raises(tf.errors.DataLossError):
        data.load_split([str(shard)], transform_output, tf.uint8, 3)
    gc.collect()
    assert not list(tmp_path.glob("decoded-*"))


@pytest.mark.parametrize("num_examples", [2, 4])
def test_another_number_of_examples_than_announced_raises(
    transform_output: tft.TFTransformOutput, tmp_path: Path, num_examples: int
) -> None:
    shard = write_shard(tmp_path / "train.tfrecord", [pet.example() for pet in pets(3)])
    split = data.load_split([shard], transform_output, tf.uint8, num_examples)
    with pytest.raises(tf.errors.FailedPreconditionError):
        list(split.pairs.as_numpy_iterator())


def test_images_and_masks_are_flipped_together() -> None:
    images, masks = taken(data.training_batches(numbered(40), augment, batch_size=8, seed=1), 25)
    assert (images.dtype, masks.dtype) == (np.float32, np.uint8)
    assert (images.shape, masks.shape) == ((200, 6, 6, 3), (200, 6, 6))
    np.testing.assert_array_equal(images[..., 0], masks)
    originals = dict(enumerate(mask for _, mask in numbered(40).pairs.as_numpy_iterator()))
    mirrored = images[:, 0, 0, 2] == 5
    for image, mask, flipped in zip(images, masks, mirrored, strict=True):
        columns = np.arange(6)[::-1] if flipped else np.arange(6)
        np.testing.assert_array_equal(image[..., 2], np.broadcast_to(columns, (6, 6)))
        np.testing.assert_array_equal(mask, originals[int(image[0, 0, 1])][:, columns])
    # Half of 200, within five standard deviations.
    assert 65 < mirrored.sum() < 135
    # Flips are drawn again: some pair is seen both ways.
    ways = {(int(image[0, 0, 1]), bool(way)) for image, way in zip(images, mirrored, strict=True)}
    assert len(ways) > 40


@pytest.mark.parametrize("batch_size", [1, 4, 10])
def test_every_example_is_seen_once_an_epoch(batch_size: int) -> None:
    images, _ = taken(
        data.training_batches(numbered(10), augment, batch_size, seed=1), 40 // batch_size
    )
    epochs = images[:, 0, 0, 1].astype(int).reshape(4, 10)
    for epoch in epochs:
        assert sorted(epoch) == list(range(10))
    assert len({tuple(epoch) for epoch in epochs}) == 4


def test_what_fits_is_shuffled_as_a_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    images, _ = taken(data.training_batches(numbered(40), augment, 4, seed=5), 20)
    order = tf.data.Dataset.range(40).shuffle(1024, seed=5).repeat(2)
    assert images[:, 0, 0, 1].astype(int).tolist() == list(order.as_numpy_iterator())

    monkeypatch.setattr(data, "_SHUFFLED", 4)
    whole, _ = taken(data.training_batches(numbered(40), augment, 4, seed=5), 20)
    np.testing.assert_array_equal(whole, images)
    monkeypatch.setattr(data, "_IN_MEMORY", 0)
    windows, _ = taken(data.training_batches(numbered(40), augment, 4, seed=5), 10)
    numbers = windows[:, 0, 0, 1].astype(int)
    assert sorted(numbers) == list(range(40))
    # The first is out of the first window, the next out of that with one more, and so on.
    assert all(number < place + 4 for place, number in enumerate(numbers))


def test_the_same_seed_gives_the_same_batches() -> None:
    runs = [taken(data.training_batches(numbered(40), augment, 4, seed=5), 40) for _ in range(4)]
    for images, masks in runs[1:]:
        np.testing.assert_array_equal(images, runs[0][0])
        np.testing.assert_array_equal(masks, runs[0][1])
    other, _ = taken(data.training_batches(numbered(40), augment, 4, seed=6), 40)
    assert (other[..., 1] != runs[0][0][..., 1]).any()


def test_a_split_smaller_than_the_batch_still_trains() -> None:
    images, _ = taken(data.training_batches(numbered(3), augment, batch_size=8, seed=1), 3)
    assert np.bincount(images[:, 0, 0, 1].astype(int)).tolist() == [8, 8, 8]


@pytest.mark.parametrize("batch_size", [1, 4, 10, 16])
def test_evaluation_sees_every_example_once_in_order(batch_size: int) -> None:
    batches = list(data.evaluation_batches(numbered(10), batch_size).as_numpy_iterator())
    images, masks = (np.concatenate(parts) for parts in zip(*batches, strict=True))
    expected = list(numbered(10).pairs.as_numpy_iterator())
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


@pytest.mark.parametrize("devices", [1, 2, 4])
def test_devices_together_see_the_batches_of_one(devices: int) -> None:
    alone, _ = taken(data.training_batches(numbered(10), augment, 4, seed=1, first_step=3), 12)
    expected = np.sort(alone[:, 0, 0, 1].reshape(12, 4))
    [context] = replicas(1, devices)
    batches = data.training_batches(numbered(10), augment, 4, 1, first_step=3, replicas=context)
    images, _ = taken(batches, 12 * devices)
    np.testing.assert_array_equal(np.sort(images[:, 0, 0, 1].reshape(12, 4)), expected)


@pytest.mark.parametrize(("machines", "devices"), CLUSTERS)
def test_machines_together_see_every_example_once_in_each_pass(machines: int, devices: int) -> None:
    tf.random.set_seed(1)  # a part of each order: of few examples, two passes may be alike
    steps = []
    for context in replicas(machines, devices):
        share = numbered(12, data.training_share(12, context))
        batches = data.training_batches(share, augment, 4, seed=1, replicas=context)
        images, _ = taken(batches, 9 * devices)
        steps.append(images[:, 0, 0, 1].astype(int).reshape(9, -1))
        resumed = data.training_batches(share, augment, 4, seed=1, first_step=2, replicas=context)
        np.testing.assert_array_equal(taken(resumed, 7 * devices)[0], images[-28 // machines :])
    passes = np.concatenate(steps, axis=1).reshape(3, 12)
    assert [sorted(examples) for examples in passes] == [list(range(12))] * 3
    assert len({tuple(examples) for examples in passes}) == 3


@pytest.mark.parametrize("count", [4, 5, 11])
def test_machines_share_a_training_split_evenly(count: int) -> None:
    shares = np.array([data.training_share(count, context) for context in replicas(4, 1)])
    assert shares.sum(axis=0).tolist() == [1] * count
    assert np.ptp(shares.sum(axis=1)) <= 1


def test_a_machine_decodes_its_own_share_alone(
    transform_output: tft.TFTransformOutput, tmp_path: Path
) -> None:
    drawn = pets(5)
    examples = [pet.example() for pet in drawn]
    examples[1] = examples[3] = b"no example"
    shard = write_shard(tmp_path / "train.tfrecord", examples)
    first, second = (data.training_share(5, context) for context in replicas(2, 1))
    split = data.load_split([shard], transform_output, tf.uint8, 5, first)
    assert (len(split.pairs), split.num_examples) == (3, 5)
    expected = through_the_graph(transform_output, drawn[::2])
    assert_equal(list(split.pairs.as_numpy_iterator()), expected)
    with pytest.raises(tf.errors.InvalidArgumentError):
        list(data.load_split([shard], transform_output, tf.uint8, 5, second).pairs)
    for announced in (first[:4], np.append(first, True)):
        split = data.load_split([shard], transform_output, tf.uint8, len(announced), announced)
        with pytest.raises(tf.errors.FailedPreconditionError):
            list(split.pairs)


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
        share = numbered(count, data.evaluation_share(count, batch_size, context))
        shares = data.evaluation_batches(share, batch_size, context)
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
        data.training_batches(numbered(10), augment, 4, seed=1, replicas=context)
    with pytest.raises(ValueError, match="3 replicas cannot share a validation split of 2"):
        data.evaluation_share(2, 4, context)
    with pytest.raises(ValueError, match="3 machines cannot share a training split of 2 examples"):
        data.training_share(2, context)
