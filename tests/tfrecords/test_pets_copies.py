"""Photos that would train and validate."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from tests.tfrecords.converting import cli, convert, parsed
from tfrecords import create_tfrecords_pets
from tfrecords.dataset import read_info
from tfrecords.errors import DataError
from tfrecords.shards import verify_shards
from tfrecords.sources.listing import find_pairs, split_by_name


@pytest.fixture
def with_copies(raw: Path) -> dict[str, str]:
    """Adds a copy of each validation image to `raw`, and returns the copies' names by theirs."""
    pairs = find_pairs(str(raw / "images"), str(raw / "trimaps")).pairs
    images, masks = raw / "images", raw / "trimaps"
    copies = {}
    for number, pair in enumerate(split_by_name(pairs)["val"]):
        copies[pair.name] = copy = f"copied{number}_0"  # the one image of its breed trains
        shutil.copy(pair.mask, masks / f"{copy}.png")
        if number == 0:
            shutil.copy(pair.image, images / f"{copy}.jpg")
            continue
        with Image.open(pair.image) as photo, Image.open(pair.mask) as mask:
            size = (photo.width * 2 // 3, photo.height * 2 // 3)
            photo.resize(size).save(images / f"{copy}.jpg", quality=50)
            mask.resize(size, Image.Resampling.NEAREST).save(masks / f"{copy}.png")
    return copies


def test_copies_of_training_images_do_not_validate(
    raw: Path,
    with_copies: dict[str, str],
    tmp_path: Path,
    records_in: Callable,
    capsys: pytest.CaptureFixture[str],
) -> None:
    kept = sorted(with_copies)[0]
    for folder, ending in (("images", "jpg"), ("trimaps", "png")):
        (raw / folder / f"{with_copies[kept]}.{ending}").unlink()
    del with_copies[kept]
    assert create_tfrecords_pets.main(cli(raw, tmp_path / "set")) == 0
    info = read_info(str(tmp_path / "set"))
    assert info.counts == {"train": 23, "val": 1}
    told = {duplicate.name: duplicate.same_as for duplicate in info.duplicates}
    assert told == with_copies
    printed = " ".join(capsys.readouterr().out.split())
    for name, copy in with_copies.items():
        assert f"left out {name}: shows the same as {copy} of the other split" in printed
    records = records_in(tmp_path / "set")
    assert [parsed(record)["name"].decode() for record in records["val"]] == [kept]
    assert verify_shards(f"{tmp_path}/set/*.tfrecord") == 24
    by_beam = convert(raw, tmp_path / "beam", beam_args=["--runner=DirectRunner"])
    assert by_beam == info and records_in(tmp_path / "beam") == records

    assert create_tfrecords_pets.main(cli(raw, tmp_path / "all", "--keep-duplicates")) == 0
    everything = read_info(str(tmp_path / "all"))
    assert everything.counts == {"train": 23, "val": 4}
    assert everything.duplicates == info.duplicates
    assert "kept " in capsys.readouterr().out


def test_lists_do_not_let_copies_validate_either(
    raw: Path, with_copies: dict[str, str], tmp_path: Path
) -> None:
    lists = {"train_list": str(tmp_path / "train.txt"), "val_list": str(tmp_path / "val.txt")}
    names = {path.stem for path in (raw / "images").iterdir()} - with_copies.keys()
    Path(lists["train_list"]).write_text("\n".join(sorted(names)))
    Path(lists["val_list"]).write_text("\n".join(with_copies))
    info = convert(raw, tmp_path / "set", **lists)
    assert info.counts == {"train": 20, "val": 4}  # all of val are copies, and some must validate
    told = {duplicate.name: duplicate.same_as for duplicate in info.duplicates}
    assert told == {copy: name for name, copy in with_copies.items()}
    Path(lists["train_list"]).write_text("\n".join(with_copies.values()))
    with pytest.raises(
        DataError, match="for the train split, because 4 images are copies of those"
    ):
        convert(raw, tmp_path / "set", **lists)
    one, *others = sorted(with_copies)
    Path(lists["train_list"]).write_text("\n".join(sorted(names - {with_copies[one]})))
    info = convert(raw, tmp_path / "set", **lists)
    assert info.counts["val"] == 1
    assert [duplicate.name for duplicate in info.duplicates] == others
