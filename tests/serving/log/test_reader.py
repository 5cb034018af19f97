"""Reading a request log that is being written, or was left by a server that was killed."""

from pathlib import Path

import numpy as np
import pytest

from serving.errors import ServingError
from serving.log.reader import read_file, read_log
from tests.monitoring.traffic import ask, write_log
from tfrecords.shards import write_records


def test_what_was_logged_is_read_oldest_first(tmp_path: Path) -> None:
    asked = ask(5, 1, version=7, route="canary")
    write_log(tmp_path, asked[3:], "20260101T000100-2")
    write_log(tmp_path, asked[:3], "20260101T000000-1")
    (tmp_path / "requests-20260101T000200-3.tfrecord.partial").write_bytes(b"no file of the log")
    found = list(read_log(tmp_path))
    assert [one.id for one in found] == [one.id for one in asked]
    assert (found[0].model, found[0].version, found[0].route) == ("cifar10", 7, "canary")
    assert (found[4].image, found[4].seconds) == (asked[4].image, asked[4].seconds)
    assert set(found[0].outputs) == {"label", "class_name", "probabilities"}
    assert np.array_equal(found[0].outputs["probabilities"], asked[0].probabilities)


@pytest.mark.parametrize("cut", [1, 20, 200])
def test_a_record_that_is_being_written_waits(tmp_path: Path, cut: int) -> None:
    path = write_log(tmp_path, ask(4, 2))
    whole = path.read_bytes()
    path.write_bytes(whole[:-cut])
    read = list(read_file(path))
    assert [one.id for _, one in read] == ["2-0", "2-1", "2-2"]
    path.write_bytes(whole)
    [(end, last)] = read_file(path, read[-1][0])
    assert (end, last.id) == (len(whole), "2-3")
    assert not list(read_file(path, end))


def test_damage_ends_a_file_and_not_the_log(tmp_path: Path) -> None:
    damaged = write_log(tmp_path, ask(4, 3), "20260101T000000-1")
    content = bytearray(damaged.read_bytes())
    content[len(content) // 2] ^= 1
    damaged.write_bytes(content)
    write_log(tmp_path, ask(1, 4), "20260101T000100-2")
    names = [one.id for one in read_log(tmp_path)]
    assert names[-1] == "4-0" and 1 <= len(names) < 5


def test_what_is_no_log_is_told(tmp_path: Path) -> None:
    write_records(str(tmp_path / "requests-1-1.tfrecord"), [b"\xff no log"])
    with pytest.raises(ServingError, match="is no log of this server"):
        list(read_log(tmp_path))
    with pytest.raises(ServingError, match="holds no requests"):
        list(read_log(tmp_path / "nowhere"))
