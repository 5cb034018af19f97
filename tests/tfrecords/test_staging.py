import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tfrecords import storage, synthetic
from tfrecords.dataset import DatasetInfo, RecordInfo, count_records, read_info
from tfrecords.errors import DataError
from tfrecords.shards import read_records, write_records
from tfrecords.staging import staging

ROOT = Path(__file__).resolve().parents[2]


def publish(output: str, mark: str, train: int = 2) -> DatasetInfo:
    """Publishes a set whose records all hold `mark`."""
    record = mark.encode()
    shards = {"train": train, "val": 1}
    with staging(output) as stage:
        paths = {
            split: [storage.join(stage.folder, f"{split}-{n}") for n in range(count)]
            for split, count in shards.items()
        }
        for path in paths["train"] + paths["val"]:
            write_records(path, [record])
        rows = [
            RecordInfo.of(split, f"{mark}{n}", "other", record)
            for split, count in shards.items()
            for n in range(count)
        ]
        info = DatasetInfo(
            source="a test",
            licence="none",
            max_side=1,
            parameters={},
            shards=shards,
            **count_records(rows),
        )
        stage.publish(info, paths)
    return info


def content(folder: Path) -> dict[str, bytes]:
    paths = sorted(folder.glob("*.tfrecord"))
    return {path.name: b"".join(read_records(str(path))) for path in paths}


@pytest.mark.parametrize("prefix", ["", "bucket://"])
def test_publishing_replaces_the_whole_set(tmp_path: Path, prefix: str, hidden: Callable) -> None:
    first = publish(f"{prefix}{tmp_path}/set", "old", train=3)
    assert read_info(f"{prefix}{tmp_path}/set") == first
    (tmp_path / "set" / "notes.txt").write_text("mine")
    second = publish(f"{prefix}{tmp_path}/set", "new", train=2)
    assert read_info(f"{prefix}{tmp_path}/set") == second
    assert content(tmp_path / "set") == {
        "train-00000-of-00002.tfrecord": b"new",
        "train-00001-of-00002.tfrecord": b"new",
        "val-00000-of-00001.tfrecord": b"new",
    }
    assert (tmp_path / "set" / "notes.txt").read_text() == "mine"
    assert hidden(tmp_path / "set") == []


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_an_error_before_publishing_leaves_the_old_set(
    tmp_path: Path, error: type[BaseException], hidden: Callable
) -> None:
    publish(str(tmp_path), "old")
    before = content(tmp_path)
    with pytest.raises(error), staging(str(tmp_path)) as stage:
        write_records(storage.join(stage.folder, "half"), [b"new"])
        raise error
    assert content(tmp_path) == before
    assert hidden(tmp_path) == []


def test_an_error_while_publishing_puts_the_old_set_back(tmp_path: Path, hidden: Callable) -> None:
    info = publish(str(tmp_path), "old")
    before = content(tmp_path)
    with pytest.raises(FileNotFoundError), staging(str(tmp_path)) as stage:
        good = storage.join(stage.folder, "good")
        write_records(good, [b"new"])
        stage.publish(info, {"train": [good, good + "-that-is-missing"], "val": []})
    assert content(tmp_path) == before
    assert read_info(str(tmp_path)) == info
    assert hidden(tmp_path) == []


# In folders 1, 2, ... kills a writer just before its first, second, ... renaming, without a chance
# to clean up.
KILLER = """
import os, signal, sys
from tests.tfrecords.test_staging import publish
for step in range(1, {moves} + 1):
    output = f"{folder}/{{step}}"
    if {had_set}:
        publish(output, "old")
    child = os.fork()
    if child == 0:
        left = step
        def watch(event, _):
            global left
            if event == "os.rename":
                left -= 1
                if left == 0:
                    os.kill(os.getpid(), signal.SIGKILL)
        sys.addaudithook(watch)
        publish(output, "new", train=1)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status), f"step {{step}} ended by itself"
"""


@pytest.mark.parametrize("had_set", [True, False])
def test_killed_at_any_moment_of_publishing(
    tmp_path: Path, had_set: bool, hidden: Callable
) -> None:
    """Whole is the old set or the new one, or there is no dataset.json; the next run recovers."""
    moves = 3 + (4 if had_set else 0)  # new: 2 shards and dataset.json; old: 3 and dataset.json
    script = KILLER.format(moves=moves, had_set=had_set, folder=tmp_path)
    subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=True)
    for step in range(1, moves + 1):
        output = tmp_path / str(step)
        if (output / "dataset.json").exists():
            assert set(content(output).values()) == {b"old"}
        # A writer that fails puts the old set back ...
        with pytest.raises(RuntimeError), staging(str(output)):
            raise RuntimeError
        assert hidden(output) == []
        assert set(content(output).values()) == ({b"old"} if had_set else set())
        assert (output / "dataset.json").exists() == had_set
        # ... and one that succeeds replaces it.
        publish(str(output), "new", train=1)
        assert content(output) == {
            "train-00000-of-00001.tfrecord": b"new",
            "val-00000-of-00001.tfrecord": b"new",
        }


def test_two_writers_at_once(tmp_path: Path, run_module: Callable) -> None:
    with staging(str(tmp_path)):
        done = run_module("tfrecords.synthetic", "--output", tmp_path, "--train", 4, "--val", 2)
    assert done.returncode == 2
    assert done.stderr == (
        f"Another process is writing {tmp_path}; wait for it to end or choose another folder.\n"
    )
    assert synthetic.generate(str(tmp_path), train=4, val=2) is not None


def test_shards_of_another_origin_are_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "train-00000-of-00001.tfrecord").write_bytes(b"somebody's")
    with pytest.raises(DataError, match=r"holds 1 shards but no dataset\.json"):
        publish(str(tmp_path), "new")
    assert (tmp_path / "train-00000-of-00001.tfrecord").read_bytes() == b"somebody's"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_without_permission_to_write(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(DataError, match="permission denied; nothing was published"):
        publish(str(tmp_path / "set"), "new")


@pytest.mark.parametrize("text", [None, "{", '{"source": 3}'])
def test_a_description_that_is_missing_or_damaged(tmp_path: Path, text: str | None) -> None:
    if text is not None:
        (tmp_path / "dataset.json").write_text(text)
    with pytest.raises(DataError, match=r"write (it|the data set) again"):
        read_info(str(tmp_path))


def test_a_description_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "dataset.json").mkdir()
    with pytest.raises(
        DataError, match=r"dataset\.json cannot be read: .*write the data set again"
    ):
        read_info(str(tmp_path))
