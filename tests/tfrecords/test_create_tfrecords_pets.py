"""The command from photos and trimaps to shards."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from PIL import ExifTags, Image

from tests.tfrecords.converting import cli, convert, parsed, pixels
from tfrecords import create_tfrecords_pets
from tfrecords.create_tfrecords_pets import create_tfrecords
from tfrecords.dataset import DatasetInfo, read_info
from tfrecords.errors import DataError
from tfrecords.shards import verify_shards


def test_round_trip(raw: Path, tmp_path: Path, records_in: Callable) -> None:
    info = convert(raw, tmp_path / "set", num_shards=3)
    rows = [
        parsed(record) for records in records_in(tmp_path / "set").values() for record in records
    ]
    assert len(rows) == 24
    for row in rows:
        name = row["name"].decode()
        assert row["image"] == (raw / "images" / f"{name}.jpg").read_bytes()  # small: untouched
        trimap = pixels((raw / "trimaps" / f"{name}.png").read_bytes())
        np.testing.assert_array_equal(pixels(row["label"]), trimap - 1)
        assert row["breed"].decode() == name.rsplit("_", 1)[0]
        assert row["species"] == b"other"  # no breed of Oxford-IIIT Pet
    assert info == read_info(str(tmp_path / "set"))
    assert info.counts == {"train": 20, "val": 4}
    assert info.shards == {"train": 3, "val": 1}
    assert {breed: n for breed, n in info.breeds["val"].items() if n != 1} == {}
    assert verify_shards(f"{tmp_path}/set/*.tfrecord") == 24


def test_max_side_reduces_image_and_mask_alike(
    raw: Path, tmp_path: Path, records_in: Callable
) -> None:
    convert(raw, tmp_path / "set", max_side=64)
    for record in records_in(tmp_path / "set")["train"]:
        row = parsed(record)
        image = tf.io.decode_image(row["image"]).numpy()
        mask = tf.io.decode_png(row["label"]).numpy()
        assert max(image.shape) == 64 and image.shape[:2] == mask.shape[:2]
        assert mask.shape[2] == 1 and set(np.unique(mask)) <= {0, 1, 2}


def test_the_content_depends_on_the_files_alone(raw: Path, tmp_path: Path) -> None:
    sets = [
        convert(raw, tmp_path / str(shards), num_shards=shards, max_side=100)
        for shards in (1, 4, 4)
    ]
    assert len({info.digest for info in sets}) == 1
    first, again = ((tmp_path / "4" / "val-00000-of-00002.tfrecord").read_bytes() for _ in range(2))
    assert first == again


def test_lists_decide_the_split(raw: Path, tmp_path: Path, records_in: Callable) -> None:
    names = sorted(path.stem for path in (raw / "images").iterdir())
    lists = {"train_list": str(tmp_path / "trainval.txt"), "val_list": str(tmp_path / "test.txt")}
    Path(lists["train_list"]).write_text(
        "# Image CLASS\n" + "".join(f"{n} 1 1 1\n" for n in names[:6])
    )
    Path(lists["val_list"]).write_text("\n".join(names[6:10]))
    info = convert(raw, tmp_path / "set", **lists)
    found = {
        split: sorted(parsed(record)["name"].decode() for record in records)
        for split, records in records_in(tmp_path / "set").items()
    }
    assert found == {"train": names[:6], "val": names[6:10]}
    Path(lists["val_list"]).write_text(f"{names[0]}\nmissing_1\n")
    with pytest.raises(DataError, match="1 names are in the train list and in the val list"):
        convert(raw, tmp_path / "set", **lists)
    Path(lists["val_list"]).write_text(f"{names[7]}\nmissing_1\n")
    with pytest.raises(DataError, match="missing_1: is in a list but has neither image nor mask"):
        convert(raw, tmp_path / "set", **lists)
    with pytest.raises(DataError, match="Give both --train-list and --val-list"):
        convert(raw, tmp_path / "set", train_list=lists["train_list"])
    assert read_info(str(tmp_path / "set")) == info
    assert info.passed_over == {"in no list": 14}


def test_what_was_done_to_images_is_counted(
    raw: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    upside_down = Image.Exif()
    upside_down[ExifTags.Base.Orientation] = 3
    first, second, third, *_ = sorted((raw / "images").iterdir())
    for path in (first, second):
        Image.open(path).save(path, exif=upside_down)
    Image.open(third).convert("RGBA").save(third.with_suffix(".png"))
    with Image.open(third.with_suffix(".png")) as cut:
        cut.putalpha(100)
        cut.save(third.with_suffix(".png"))
    third.unlink()
    assert create_tfrecords_pets.main(cli(raw, tmp_path / "set [x]")) == 0
    changed = {"laid on white where transparent": 1, "turned upright, as EXIF says": 2}
    info = read_info(str(tmp_path / "set [x]"))
    assert info.changed == changed
    printed = capsys.readouterr().out
    assert "set [x]" in " ".join(printed.split())
    assert all(f"{count} images {change}" in printed for change, count in changed.items())
    by_beam = convert(raw, tmp_path / "beam", beam_args=["--runner=DirectRunner"])
    assert by_beam == info


def test_every_file_is_accounted_for(
    raw: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for folder in (raw / "images", raw / "trimaps"):
        (folder / "more").mkdir()
        for path in sorted(folder.iterdir())[:5]:
            path.rename(folder / "more" / path.name)
    for name in ("a.heic", "b.heic", "notes.txt", ".DS_Store"):
        (raw / "images" / name).touch()
    assert create_tfrecords_pets.main(cli(raw, tmp_path / "set")) == 0
    info = read_info(str(tmp_path / "set"))
    assert sum(info.counts.values()) == 24
    assert info.passed_over == {".heic": 2, ".txt": 1, "hidden": 1}
    assert "passed over: 1 hidden, 2 .heic, 1 .txt" in capsys.readouterr().out
    older = info.model_dump(exclude={"passed_over", "changed", "duplicates"})
    assert DatasetInfo.model_validate(older).passed_over == {}


def test_own_names_and_endings(tmp_path: Path, records_in: Callable) -> None:
    for folder in ("images", "trimaps"):
        (tmp_path / folder).mkdir()
    for name in ("first.PNG", "second.jpeg", "third.webp", "größe.tif", "_5.jpg"):
        grey = 50 * len(list((tmp_path / "images").iterdir()))
        Image.new("RGB", (40, 30), (grey, grey, grey)).save(tmp_path / "images" / name)
    for name in ("first", "second", "third", "größe", "_5"):
        Image.new("L", (40, 30), 2).save(tmp_path / "trimaps" / f"{name}.png")
    info = convert(tmp_path, tmp_path / "set", num_shards=8)
    assert info.counts == {"train": 4, "val": 1} and info.shards == {"train": 4, "val": 1}
    rows = [parsed(row) for rows in records_in(tmp_path / "set").values() for row in rows]
    assert {(row["breed"], row["species"]) for row in rows} == {(b"other", b"other")}
    assert "größe" in {row["name"].decode() for row in rows}


def test_a_bucket(raw: Path, tmp_path: Path, records_in: Callable, hidden: Callable) -> None:
    local = convert(raw, tmp_path / "local")
    bucket = f"bucket://{tmp_path}"
    remote = create_tfrecords(f"{bucket}/raw/images", f"{bucket}/raw/trimaps", f"{bucket}/remote")
    assert remote.digest == local.digest
    assert records_in(tmp_path / "remote") == records_in(tmp_path / "local")
    assert hidden(tmp_path / "remote") == []


def test_beam_makes_the_same_of_the_same_files(
    raw: Path, tmp_path: Path, records_in: Callable, hidden: Callable
) -> None:
    (raw / "images" / "pug_99.jpg").write_bytes(b"no image")
    shutil.copy(next((raw / "trimaps").iterdir()), raw / "trimaps" / "pug_99.png")
    by_beam = {"skip_invalid": True, "beam_args": ["--runner=DirectRunner"]}
    info = convert(raw, tmp_path / "beam", **by_beam)
    assert convert(raw, tmp_path / "here", skip_invalid=True) == info
    assert [fault.name for fault in info.skipped] == ["pug_99"]
    assert records_in(tmp_path / "beam") == records_in(tmp_path / "here")
    assert hidden(tmp_path / "beam") == []


def test_paths_may_begin_with_the_home_folder(
    raw: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    folders = ["--images=~/raw/images", "--trimaps=~/raw/trimaps", "--output=~/set"]
    assert create_tfrecords_pets.main(folders) == 0
    assert (tmp_path / "set" / "dataset.json").exists()
