"""The folders of a local run, on this machine's disks."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pipeline.checks import local
from pipeline.checks.places import check_disk, check_folders
from pipeline.configs import Settings, load_settings
from tfrecords.shards import write_records

NOBODY = 65534


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that every user may enter and write, as pytest's are not."""
    with tempfile.TemporaryDirectory() as name:
        os.chmod(name, 0o777)
        yield Path(name)


@pytest.fixture
def settings(folder: Path) -> Settings:
    return load_settings(
        env_file=folder / "none",
        data_root=str(folder / "data"),
        pipeline_root=str(folder),
        serving_dir=str(folder / "serving"),
    )


@contextmanager
def without_privileges() -> Iterator[None]:
    """As a user to whom read-only files are read-only: root writes to them all the same."""
    user = os.geteuid()
    if user == 0:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(user)


def test_what_a_run_by_another_user_left_is_named(folder: Path, settings: Settings) -> None:
    (folder / "Trainer" / "model").mkdir(parents=True)
    (folder / "Trainer").chmod(0o777)
    (folder / "Trainer" / "model").chmod(0o555)
    (folder / "metadata.sqlite").touch(mode=0o444)
    said = "holds what cannot be written, Trainer/model, metadata.sqlite: .*sudo chown -R"
    with without_privileges(), pytest.raises(ValueError, match=said):
        check_folders(settings)


def test_folders_of_this_user_can_be_written(folder: Path, settings: Settings) -> None:
    (folder / "Trainer" / "model").mkdir(parents=True)
    (folder / "gone").symlink_to(folder / "nowhere")
    assert check_folders(settings).endswith("can be written")


def test_shards_that_cannot_be_read_are_named(folder: Path, settings: Settings) -> None:
    shard = folder / "data" / "train-00000-of-00001.tfrecord"
    shard.parent.mkdir()
    write_records(str(shard), [b"record"])
    shard.chmod(0)
    with without_privileges(), pytest.raises(ValueError, match=f"{shard} .*: Permission denied"):
        local.data(settings, settings.load_recipe())


def test_each_disk_is_held_against_what_it_is_to_take(
    folder: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.checks.places._ROOM_FOR_PUSHED_MODEL", 10**18)
    with pytest.raises(ValueError, match=f"^PIPELINE_ROOT={folder} and SERVING_DIR={folder}/serv"):
        check_disk(settings)
    elsewhere = Path("/dev/shm/serving")
    if elsewhere.parent.stat().st_dev == folder.stat().st_dev:
        pytest.skip("there is one disk")
    settings = settings.model_copy(update={"serving_dir": str(elsewhere)})
    with pytest.raises(ValueError, match=f"^SERVING_DIR={elsewhere} has .* needs about 1000000000"):
        check_disk(settings)
