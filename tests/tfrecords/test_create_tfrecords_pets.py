import io
import json
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from PIL import ExifTags, Image

from tests.warm.commands import python
from tfrecords import create_tfrecords_pets, staging
from tfrecords.create_tfrecords_pets import create_tfrecords
from tfrecords.dataset import DatasetInfo, read_info
from tfrecords.errors import DataError
from tfrecords.listing import find_pairs, split_by_name
from tfrecords.shards import verify_shards

ROOT = Path(__file__).resolve().parents[2]
PETS = ROOT.parent / "shared" / "data" / "pets"


def convert(raw: Path, output: Path, **options: Any) -> DatasetInfo:
    return create_tfrecords(str(raw / "images"), str(raw / "trimaps"), str(output), **options)


def parsed(record: bytes) -> dict[str, bytes]:
    features = tf.train.Example.FromString(record).features.feature
    return {key: item.bytes_list.value[0] for key, item in features.items()}


def pixels(data: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(data)))


def cli(raw: Path, output: Path, *more: str) -> list[str]:
    folders = ["--images", str(raw / "images"), "--trimaps", str(raw / "trimaps")]
    return [*folders, "--output", str(output), *more]


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


@pytest.fixture
def spoiled(raw: Path) -> dict[str, str]:
    """Spoils ten files of `raw` and returns what is to be said of each."""
    images, masks = raw / "images", raw / "trimaps"
    names = sorted(path.stem for path in images.iterdir())
    told = {}

    def spoil(message: str) -> str:
        name = names[len(told)]
        told[name] = message
        return name

    (masks / f"{spoil('image has no mask')}.png").unlink()
    (images / f"{spoil('mask has no image')}.jpg").unlink()
    (images / f"{spoil('image file is empty (0 bytes)')}.jpg").write_bytes(b"")
    (images / f"{spoil('image is no image that can be decoded')}.jpg").write_bytes(b"garbage")
    cut = images / f"{spoil('image cannot be decoded')}.jpg"
    cut.write_bytes(cut.read_bytes()[:-1500])
    Image.new("L", (9, 7), 1).save(masks / f"{spoil('mask is 9x7 pixels but its image is')}.png")
    name = spoil("mask holds the values 0, 255; expected only 1 (pet), 2 (background), 3 (border)")
    size = Image.open(images / f"{name}.jpg").size
    Image.new("1", size).convert("L").point([255] * 128 + [0] * 128).save(masks / f"{name}.png")
    mask = Image.open(masks / f"{name}.png")
    mask.putpixel((0, 0), 0)
    mask.save(masks / f"{name}.png")
    name = spoil("two images share this name")
    shutil.copy(images / f"{name}.jpg", images / f"{name}.png")
    name = spoil("mask has mode RGB")
    Image.open(images / f"{name}.jpg").save(masks / f"{name}.png")
    Image.new("1", (20_000, 10_000)).save(images / f"{names[len(told)]}.png")
    (images / f"{spoil('image is above the limit of')}.jpg").unlink()
    return told


def test_every_bad_file_is_named_and_nothing_written(
    raw: Path, spoiled: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert create_tfrecords_pets.main(cli(raw, tmp_path / "set")) == 2
    printed = capsys.readouterr()
    first, *lines = [line for line in printed.err.splitlines() if line.strip()]
    assert first == "10 files cannot be used; correct them or pass --skip-invalid:"
    assert len(lines) == 10
    for line, (name, message) in zip(lines, sorted(spoiled.items()), strict=True):
        assert line.startswith(f"  {name}: {message}")
    assert [path.name for path in (tmp_path / "set").iterdir()] == [".lock"]


def test_skip_invalid_leaves_them_out_and_says_so(
    raw: Path, spoiled: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert create_tfrecords_pets.main(cli(raw, tmp_path / "set", "--skip-invalid")) == 0
    printed = capsys.readouterr().out
    info = json.loads((tmp_path / "set" / "dataset.json").read_text())
    assert sum(info["counts"].values()) == 14
    assert [fault["name"] for fault in info["skipped"]] == sorted(spoiled)
    for name, message in spoiled.items():
        assert f"skipped {name}: {message}" in " ".join(printed.split())


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
    assert create_tfrecords_pets.main(cli(raw, tmp_path / "set")) == 0
    changed = {"laid on white where transparent": 1, "turned upright, as EXIF says": 2}
    assert read_info(str(tmp_path / "set")).changed == changed
    printed = capsys.readouterr().out
    assert all(f"{count} images {change}" in printed for change, count in changed.items())
    by_beam = convert(raw, tmp_path / "beam", beam_args=["--runner=DirectRunner"])
    assert by_beam == read_info(str(tmp_path / "set"))


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


def test_a_failure_leaves_the_set_that_was_there(raw: Path, tmp_path: Path) -> None:
    info = convert(raw, tmp_path / "set")
    before = {path: path.read_bytes() for path in (tmp_path / "set").iterdir()}
    next((raw / "images").iterdir()).write_bytes(b"")
    with pytest.raises(DataError, match="1 files cannot be used"):
        convert(raw, tmp_path / "set")
    assert {path: path.read_bytes() for path in (tmp_path / "set").iterdir()} == before
    assert convert(raw, tmp_path / "set", skip_invalid=True) != info


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


def test_a_single_image_makes_no_set(tmp_path: Path) -> None:
    for folder, mode, ending in (("images", "RGB", "jpg"), ("trimaps", "L", "png")):
        (tmp_path / folder).mkdir()
        Image.new(mode, (40, 30), 1).save(tmp_path / folder / f"pug_1.{ending}")
    with pytest.raises(DataError, match="No image is left for the val split"):
        convert(tmp_path, tmp_path / "set")


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


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--max-side", "0"], "--max-side is 0; expected at least 1."),
        (["--num-shards", "-1"], "--num-shards is -1; expected at least 1."),
        (["--max-sied", "64"], "Unknown option --max-sied"),
        (
            ["--runner=DataflowRunner", "--project=p", "--region=r", "--temp_location=gs://b/t"],
            "Workers of DataflowRunner have no copy of this code; pass --sdk_container_image",
        ),
        (["--images", "/none"], "No images in /none"),
        (["--train-list", "/none"], "Give both --train-list and --val-list"),
    ],
)
def test_wrong_arguments(
    raw: Path,
    tmp_path: Path,
    arguments: list[str],
    message: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert create_tfrecords_pets.main(cli(raw, tmp_path / "set", *arguments)) == 2
    printed = capsys.readouterr().err
    assert message in printed and "Traceback" not in printed
    assert not (tmp_path / "set").exists()


def test_paths_may_begin_with_the_home_folder(
    raw: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    folders = ["--images=~/raw/images", "--trimaps=~/raw/trimaps", "--output=~/set"]
    assert create_tfrecords_pets.main(folders) == 0
    assert (tmp_path / "set" / "dataset.json").exists()


def test_neither_folders_nor_download(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert create_tfrecords_pets.main(["--output", str(tmp_path)]) == 2
    assert "Pass --images and --trimaps, or --download" in capsys.readouterr().err


def test_an_output_that_is_a_file(
    raw: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "set").touch()
    assert create_tfrecords_pets.main(cli(raw, tmp_path / "set")) == 2
    assert "choose an output path that is not a file" in capsys.readouterr().err


def test_a_disk_that_is_full(raw: Path, tmp_path: Path, run_module: Callable) -> None:
    """The kernel refuses files above a limit, in the middle of a worker's writing."""
    before = convert(raw, tmp_path / "set")
    done = run_module(
        "tfrecords.create_tfrecords_pets",
        *cli(raw, tmp_path / "set"),
        largest_file=20,
    )
    assert done.returncode == 2
    printed = [line for line in done.stderr.splitlines() if line.strip()]
    assert len(printed) == 1
    assert "file too large; nothing was published, raise the file size limit" in printed[0]
    assert read_info(str(tmp_path / "set")) == before
    assert verify_shards(f"{tmp_path}/set/*.tfrecord") == 24


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGKILL])
def test_stopped_midway_then_run_again(
    tmp_path: Path, sent: signal.Signals, hidden: Callable
) -> None:
    for folder in ("images", "trimaps"):
        (tmp_path / folder).mkdir()
    noise = np.random.default_rng(0).integers(0, 256, (1500, 1500, 3), np.uint8)
    Image.fromarray(noise).save(tmp_path / "images" / "pug_0.jpg")
    Image.new("L", (1500, 1500), 1).save(tmp_path / "trimaps" / "pug_0.png")
    for number in range(1, 100):  # seconds of work
        (tmp_path / "images" / f"pug_{number}.jpg").hardlink_to(tmp_path / "images" / "pug_0.jpg")
        (tmp_path / "trimaps" / f"pug_{number}.png").hardlink_to(tmp_path / "trimaps" / "pug_0.png")
    output = tmp_path / "set"
    command = [python(), "-m", "tfrecords.create_tfrecords_pets", *cli(tmp_path, output)]
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True) as process:
        while not (output / ".staging").exists():
            assert process.poll() is None
            time.sleep(0.05)
        time.sleep(0.3)
        process.send_signal(sent)
        _, printed = process.communicate(timeout=30)
    if sent == signal.SIGINT:
        assert process.returncode == 130
        assert "Stopped; nothing was published." in printed and "Traceback" not in printed
        assert hidden(output) == []
    assert not (output / "dataset.json").exists() and not list(output.glob("*.tfrecord"))
    for number in range(20, 100):
        (tmp_path / "images" / f"pug_{number}.jpg").unlink()
        (tmp_path / "trimaps" / f"pug_{number}.png").unlink()
    convert_again = convert(tmp_path, output, keep_duplicates=True)
    assert convert_again.counts == {"train": 16, "val": 4}
    assert hidden(output) == []


def test_another_writer_is_at_work(
    raw: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with staging.staging(str(tmp_path / "set")):
        assert create_tfrecords_pets.main(cli(raw, tmp_path / "set")) == 2
    assert f"Another process is writing {tmp_path}/set; wait" in capsys.readouterr().err


@pytest.mark.skipif(not PETS.exists(), reason=f"no photos at {PETS}")
def test_real_photos(tmp_path: Path, records_in: Callable) -> None:
    info = create_tfrecords(
        str(PETS / "images"),
        str(PETS / "trimaps"),
        str(tmp_path),
        train_list=str(PETS / "train.txt"),
        val_list=str(PETS / "test.txt"),
    )
    assert info.counts == {"train": 578, "val": 146}
    assert len(info.breeds["train"]) == 37
    records = records_in(tmp_path)
    assert {split: len(found) for split, found in records.items()} == info.counts
    species = [parsed(record)["species"] for record in records["train"]]
    assert set(species) == {b"cat", b"dog"}
    row = parsed(records["val"][0])
    trimap = pixels((PETS / "trimaps" / f"{row['name'].decode()}.png").read_bytes())
    np.testing.assert_array_equal(pixels(row["label"]), trimap - 1)
