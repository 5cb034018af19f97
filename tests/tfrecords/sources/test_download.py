"""Downloads from a server of ours on 127.0.0.1 that speaks Range and breaks off midway."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.tfrecords.archive_server import Server, pack, serve
from tfrecords.errors import DataError
from tfrecords.sources.download import Archive
from tfrecords.sources.oxford_pets import fetch_pets

NOISE = b"".join(hashlib.sha256(str(n).encode()).digest() for n in range(20_000))  # 640 kB
FILES = {
    "images.tar.gz": pack(images__a_1_jpg=NOISE),
    "annotations.tar.gz": pack(annotations__trimaps__a_1_png=b"mask", annotations__test_txt=b""),
}


ARCHIVES = tuple(Archive(name, hashlib.md5(data).hexdigest()) for name, data in FILES.items())


@pytest.fixture
def server() -> Iterator[Server]:
    with serve(FILES) as server:
        yield server


def fetch(server: Server, folder: Path) -> None:
    raw = fetch_pets(str(folder), base_url=server.url, archives=ARCHIVES, first_wait=0.01)
    assert (folder / "images" / "a_1_jpg").read_bytes() == NOISE
    assert Path(raw.trimaps, "a_1_png").read_bytes() == b"mask"
    assert not list(folder.glob("*.part"))


def test_archives_are_fetched_once(server: Server, tmp_path: Path) -> None:
    fetch(server, tmp_path / "raw")
    assert server.asked == [("images.tar.gz", None), ("annotations.tar.gz", None)]
    fetch(server, tmp_path / "raw")
    assert len(server.asked) == 2


def test_a_broken_download_is_resumed(server: Server, tmp_path: Path) -> None:
    server.breaks = 2
    fetch(server, tmp_path)
    asked = [wanted for name, wanted in server.asked if name == "images.tar.gz"]
    starts = [int(wanted.strip("bytes=-")) if wanted else 0 for wanted in asked]
    size = len(FILES["images.tar.gz"])
    assert len(starts) == 3 and starts[0] == 0
    assert size // 3 < starts[1] <= size // 2 and size // 2 < starts[2] < size


def test_the_part_of_an_earlier_run_is_resumed(server: Server, tmp_path: Path) -> None:
    (tmp_path / "images.tar.gz.part").write_bytes(FILES["images.tar.gz"][:1000])
    fetch(server, tmp_path)
    assert server.asked[0] == ("images.tar.gz", "bytes=1000-")


def test_a_part_that_is_whole_is_only_renamed(server: Server, tmp_path: Path) -> None:
    (tmp_path / "images.tar.gz.part").write_bytes(FILES["images.tar.gz"])
    fetch(server, tmp_path)
    assert len(server.asked) == 2


def test_a_part_longer_than_the_file_is_fetched_again(server: Server, tmp_path: Path) -> None:
    (tmp_path / "images.tar.gz.part").write_bytes(FILES["images.tar.gz"] + b"more")
    fetch(server, tmp_path)
    assert [wanted for name, wanted in server.asked if name == "images.tar.gz"][1] is None


def test_a_server_without_range_sends_everything_again(server: Server, tmp_path: Path) -> None:
    server.ignores_range = True
    (tmp_path / "images.tar.gz.part").write_bytes(b"x" * 1000)
    fetch(server, tmp_path)


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_busy_server_is_asked_again(server: Server, tmp_path: Path, status: int) -> None:
    server.refusals = [
        (status, {"Retry-After": "0"}),
        (status, {"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"}),
        (status, {}),
    ]
    fetch(server, tmp_path)
    assert len(server.asked) == 5


def test_retry_after_is_honoured(server: Server, tmp_path: Path) -> None:
    server.refusals = [(429, {"Retry-After": "1"})]
    started = time.monotonic()
    fetch(server, tmp_path)
    assert time.monotonic() - started >= 1.0


def test_a_server_that_stays_busy_is_given_up(server: Server, tmp_path: Path) -> None:
    server.refusals = [(503, {})] * 6
    with pytest.raises(
        DataError,
        match=r"Cannot download .*HTTP 503 \(after 6 attempts\); run again .* or put a copy",
    ):
        fetch(server, tmp_path)


def test_a_file_that_is_not_there_is_not_asked_for_again(server: Server, tmp_path: Path) -> None:
    server.files.clear()
    with pytest.raises(
        DataError, match=r"HTTP 404; look for .* put a copy at /.*/images\.tar\.gz\."
    ):
        fetch(server, tmp_path)
    assert len(server.asked) == 1


def test_a_wrong_checksum_is_told_and_the_next_run_starts_again(
    server: Server, tmp_path: Path
) -> None:
    server.files["images.tar.gz"] = b"something else"
    with pytest.raises(DataError, match=r"images.tar.gz has the MD5 [0-9a-f]{32}; expected"):
        fetch(server, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [".lock"]
    server.files["images.tar.gz"] = FILES["images.tar.gz"]
    fetch(server, tmp_path)


def test_no_server_at_all(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"Cannot download http://127\.0\.0\.1:9/images"):
        fetch_pets(str(tmp_path), base_url="http://127.0.0.1:9", first_wait=0.0)


def test_an_archive_that_would_leave_the_folder_is_refused(server: Server, tmp_path: Path) -> None:
    evil = pack(**{"..__evil": b"x"})
    server.files["images.tar.gz"] = evil
    archives = (Archive("images.tar.gz", hashlib.md5(evil).hexdigest()),)
    with pytest.raises(DataError, match=r"cannot be extracted: .*outside the destination"):
        fetch_pets(str(tmp_path / "raw"), base_url=server.url, archives=archives)
    assert not (tmp_path / "evil").exists()
