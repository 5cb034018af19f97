import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from tfrecords import synthetic
from tfrecords.dataset import read_info
from tfrecords.drawing import scenes
from tfrecords.drawing.pet_shapes import BREEDS
from tfrecords.errors import DataError


def test_a_scene_depends_on_seed_and_number_alone() -> None:
    first = scenes.draw(7, 5)
    scenes.draw(7, 4)
    again = scenes.draw(7, 5)
    assert first.jpeg() == again.jpeg()
    assert first.png(0) == again.png(0)
    assert scenes.draw(8, 5).jpeg() != first.jpeg()
    assert scenes.draw(7, 9).jpeg() != first.jpeg()


def test_scenes_resemble_pets_in_sizes_and_in_shares_of_the_classes() -> None:
    drawn = [scenes.draw(0, index) for index in range(60)]
    for scene in drawn:
        assert scene.image.shape == (*scene.trimap.shape, 3)
        assert 128 <= max(scene.trimap.shape) <= 192
        assert set(np.unique(scene.trimap)) == {1, 2, 3}
    shares = np.mean([[(s.trimap == value).mean() for value in (1, 2, 3)] for s in drawn], axis=0)
    np.testing.assert_allclose(shares, (0.29, 0.60, 0.11), atol=0.05)
    assert {scene.image.shape[0] < scene.image.shape[1] for scene in drawn} == {True, False}


def test_colour_alone_does_not_tell_pet_from_background() -> None:
    """The best a classifier of 8x8x8 colours can do on pictures it was not made from is poor."""
    votes = np.zeros((512, 2))
    hits = total = pets = 0
    for index in range(80):
        scene = scenes.draw(0, index)
        known = scene.trimap != scenes.BORDER
        colour = (scene.image[known] // 32).astype(int) @ (64, 8, 1)
        pet = scene.trimap[known] == scenes.PET
        if index < 60:
            np.add.at(votes, (colour, pet.astype(int)), 1)
        else:
            guess = votes[colour, 1] > votes[colour, 0]
            hits += (guess & pet).sum()
            total += (guess | pet).sum()
            pets += pet.sum()
    assert pets and hits / total < 0.45  # IoU of the class pet


def test_generate_writes_the_set_and_then_finds_it(tmp_path: Path) -> None:
    output = str(tmp_path / "set [1]")
    info = synthetic.generate(output, train=8, val=4, seed=1, num_shards=2)
    assert info is not None and info == read_info(output)
    assert info.counts == {"train": 8, "val": 4}
    assert info.breeds["val"] == {breed.name: 1 for breed in sorted(BREEDS, key=lambda b: b.name)}
    shards = sorted(path.name for path in tmp_path.glob("set */*.tfrecord"))
    assert shards == [
        "train-00000-of-00002.tfrecord",
        "train-00001-of-00002.tfrecord",
        "val-00000-of-00001.tfrecord",
    ]
    before = {path: path.stat().st_mtime_ns for path in tmp_path.glob("set */*")}
    assert synthetic.generate(output, train=8, val=4, seed=1, num_shards=2) is None
    assert before == {path: path.stat().st_mtime_ns for path in tmp_path.glob("set */*")}


def test_generate_replaces_a_damaged_set_and_another_seed(tmp_path: Path) -> None:
    output = str(tmp_path)
    first = synthetic.generate(output, train=4, val=2, num_shards=4)
    shard = tmp_path / "train-00003-of-00004.tfrecord"
    shard.write_bytes(shard.read_bytes()[:-5])
    again = synthetic.generate(output, train=4, val=2, num_shards=4)
    assert first is not None and again is not None and again.digest == first.digest
    other = synthetic.generate(output, train=4, val=1, seed=1, num_shards=1)
    assert other is not None and other.digest != first.digest
    assert len(list(tmp_path.glob("*.tfrecord"))) == 2  # none of the old set is left


def test_the_digest_does_not_depend_on_the_shards(tmp_path: Path) -> None:
    one = synthetic.generate(str(tmp_path / "one"), train=6, val=2, num_shards=1)
    three = synthetic.generate(str(tmp_path / "three"), train=6, val=2, num_shards=3)
    assert one is not None and three is not None
    assert one.digest == three.digest


def test_more_shards_than_images_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="Cannot spread 2 train images over 3 shards"):
        synthetic.generate(str(tmp_path), train=2, val=2, num_shards=3)


def test_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--output", str(tmp_path), "--train", "4", "--val", "2"]
    assert synthetic.main(arguments) == 0
    assert "drew 4 train, 2 val images" in capsys.readouterr().out
    assert synthetic.main(arguments) == 0
    assert capsys.readouterr().out == f"{tmp_path} already holds this set; nothing to do.\n"
    assert json.loads((tmp_path / "dataset.json").read_text())["licence"].startswith("CC0")


def test_an_output_that_cannot_be_written_is_one_sentence(
    tmp_path: Path, run_module: Callable
) -> None:
    (tmp_path / "file").touch()
    done = run_module("tfrecords.synthetic", "--output", tmp_path / "file" / "set")
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert "not a directory; nothing was published" in done.stderr


def test_tires_are_written_with_their_classes(tmp_path: Path) -> None:
    info = synthetic.generate(
        str(tmp_path), scenes="tires", train=20, val=10, calibration=10, num_shards=2
    )
    assert info is not None and info.class_names == ("defective", "good")
    assert info.counts == {"train": 20, "val": 10, "calibration": 10}
    assert info.classes["train"] == {"defective": 2, "good": 18}
    records = [
        tf.train.Example.FromString(record.numpy())
        for record in tf.data.TFRecordDataset(sorted(map(str, tmp_path.glob("train-*"))))
    ]
    labels = [example.features.feature["label"].int64_list.value[0] for example in records]
    assert labels.count(0) == 2 and labels.count(1) == 18


def test_tires_are_drawn_as_files_in_folders_of_classes(tmp_path: Path) -> None:
    synthetic.write_files(str(tmp_path), count=20, scenes="tires")
    assert len(list(tmp_path.glob("defective/*.jpg"))) == 2
    assert len(list(tmp_path.glob("good/*.jpg"))) == 18


def test_masks_have_no_calibration(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="--calibration is for data of classes"):
        synthetic.generate(str(tmp_path), calibration=5)
