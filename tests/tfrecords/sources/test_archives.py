"""Archives that anyone may have made."""

import gzip
import io
import os
import shutil
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from tfrecords.errors import DataError
from tfrecords.sources import archives
from tfrecords.sources.archives import unpack
from tfrecords.storage import read_bytes


def files_of(archive: Path) -> dict[str, bytes]:
    with unpack(str(archive)) as files:
        found = {name: read_bytes(*place) for name, place in files.places.items()}
    assert not any(os.path.exists(place.path) for place in files.places.values())
    return found


def tar_of(path: Path, *members: tarfile.TarInfo, content: bytes = b"") -> Path:
    with tarfile.open(path, "w:gz") as tar:
        for member in members:
            member.size = len(content) if member.isreg() else 0
            tar.addfile(member, io.BytesIO(content))
    return path


def named(name: str, kind: bytes = tarfile.REGTYPE, target: str = "") -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.type, member.linkname = kind, target
    return member


@pytest.mark.parametrize("kind", ["zip", "tar", "gztar", "bztar", "xztar"])
def test_files_are_unpacked(tmp_path: Path, kind: str) -> None:
    (tmp_path / "raw" / "cat" / "empty").mkdir(parents=True)
    (tmp_path / "raw" / "cat" / "1.jpg").write_bytes(b"one")
    (tmp_path / "raw" / "cat" / "größe 2.jpg").write_bytes(b"two")
    packed = shutil.make_archive(str(tmp_path / "archive"), kind, tmp_path / "raw")
    assert packed.endswith(archives.ENDINGS)
    assert files_of(Path(packed)) == {"cat/1.jpg": b"one", "cat/größe 2.jpg": b"two"}
    with unpack(packed) as files:
        assert files.folders == {"cat", "cat/empty"}


@pytest.mark.parametrize("name", ["../evil", "cat/../../evil", "/tmp/evil", "..\\evil"])
@pytest.mark.parametrize("kind", ["zip", "tar"])
def test_a_path_that_leads_out_is_refused(tmp_path: Path, name: str, kind: str) -> None:
    packed = tmp_path / f"evil.{kind}"
    if kind == "zip":
        with zipfile.ZipFile(packed, "w") as archive:
            archive.writestr(name, b"x")
    else:
        tar_of(packed, named(name), content=b"x")
    with pytest.raises(DataError, match=r"evil, a path that leads out of the archive; unpack it"):
        files_of(packed)
    assert sorted(os.listdir(tmp_path)) == [packed.name]


@pytest.mark.parametrize(
    "kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE]
)
def test_links_and_devices_are_refused(tmp_path: Path, kind: bytes) -> None:
    packed = tar_of(tmp_path / "a.tar.gz", named("cat/a.jpg", kind, "/etc/passwd"))
    with pytest.raises(DataError, match=r"cat/a\.jpg, a link or device; expected files"):
        files_of(packed)


def test_links_in_a_zip_are_refused(tmp_path: Path) -> None:
    link = zipfile.ZipInfo("cat")
    link.external_attr = 0o120777 << 16
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr(link, "/etc")
    with pytest.raises(DataError, match="cat, a link or device"):
        files_of(tmp_path / "a.zip")


def write_bomb_of_one_file(path: Path) -> None:
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("cat/1.bmp", bytes(20_000_000))
    else:
        tar_of(path, named("cat/1.bmp"), content=bytes(20_000_000))


def write_bomb_of_headers(path: Path) -> None:
    """A name of 20 MB, which comes before any file."""
    with gzip.open(path, "wb", 1) as file:
        header = named("././@LongLink", tarfile.GNUTYPE_LONGNAME)
        header.size = 20_000_000
        file.write(header.tobuf(tarfile.GNU_FORMAT))
        file.write(b"a" * header.size)


@pytest.mark.parametrize(
    ("name", "write"),
    [
        ("a.zip", write_bomb_of_one_file),
        ("a.tar.gz", write_bomb_of_one_file),
        ("a.tgz", write_bomb_of_headers),
    ],
)
def test_bombs_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, write: Callable[[Path], None]
) -> None:
    monkeypatch.setattr(archives, "_ALWAYS_ALLOWED", 10_000_000)  # and 200 times the archive's size
    write(tmp_path / name)
    with pytest.raises(DataError, match=r"unpacks to more than \d+ MB, which no archive of images"):
        files_of(tmp_path / name)


def test_too_many_members_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "_MOST_MEMBERS", 3)
    packed = tar_of(tmp_path / "a.tar.gz", *(named(f"cat/{number}") for number in range(4)))
    with pytest.raises(DataError, match="holds more than 3 members"):
        files_of(packed)


@pytest.mark.parametrize("name", ["a.zip", "a.tar", "a.tar.gz", "a.tar.bz2", "a.tar.xz"])
def test_damaged_archives_are_told(tmp_path: Path, name: str) -> None:
    (tmp_path / "raw" / "cat").mkdir(parents=True)
    (tmp_path / "raw" / "cat" / "1.jpg").write_bytes(os.urandom(30_000))
    kind = {".zip": "zip", ".tar": "tar", ".gz": "gztar", ".bz2": "bztar", ".xz": "xztar"}
    packed = shutil.make_archive(str(tmp_path / "whole"), kind[Path(name).suffix], tmp_path / "raw")
    whole = Path(packed).read_bytes()
    for content in (whole[:20_000], b"", b"no archive" * 100):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(DataError, match=r"is damaged or no such archive \(.+\); fetch or pack"):
            files_of(tmp_path / name)


def test_a_zip_with_a_password_is_told(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("cat/1.jpg", b"x")
    packed = bytearray((tmp_path / "a.zip").read_bytes())
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        packed[packed.index(signature) + offset] |= 1  # encrypted
    (tmp_path / "a.zip").write_bytes(packed)
    with pytest.raises(DataError, match="cannot be unpacked: .*password.*; pack it again"):
        files_of(tmp_path / "a.zip")
