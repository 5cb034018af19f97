from pathlib import Path

import pytest

from tfrecords import storage


@pytest.fixture(params=["", "bucket://"])
def base(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return f"{request.param}{tmp_path}/base"


def write(path: str, content: bytes) -> None:
    with storage.open_write(path) as file:
        file.write(content)


def test_files_come_and_go(base: str) -> None:
    storage.make_folder(base)
    storage.make_folder(base)
    first, second = storage.join(base, "a.gz"), storage.join(base, "b")
    write(first, b"12345")  # by its name Beam would pack it
    assert storage.read_bytes(first) == b"12345"
    assert storage.files_in(base) == {first: 5}
    write(second, b"old")
    storage.move(first, second)
    assert storage.files_in(base) == {second: 5}
    assert storage.glob(storage.join(base, "x*")) == {}
    storage.delete(second)
    assert not storage.exists(second)
    write(first, b"")
    storage.delete_folder(base)
    storage.delete_folder(base)
    assert not storage.exists(base)


def test_files_in_every_folder_below(base: str) -> None:
    assert storage.files_under(base) == []
    for folder in ("", "b", "b/[c]"):
        storage.make_folder(storage.join(base, folder))
        write(storage.join(base, folder, "file"), b"")
    assert storage.files_under(base) == [
        storage.join(base, name) for name in ("b/[c]/file", "b/file", "file")
    ]
    inner = storage.join(base, "b/[c]")
    assert storage.files_under(inner) == list(storage.files_in(inner)) == [f"{inner}/file"]


def test_folders_below_are_named_where_there_are_any(tmp_path: Path) -> None:
    (tmp_path / "base" / "b" / "empty").mkdir(parents=True)
    (tmp_path / "base" / "b" / "file").write_bytes(b"x")
    for folder in (f"{tmp_path}/base", f"{tmp_path}/base/"):
        found = storage.find_files(folder)
        assert found.places == {"b/file": storage.Place(f"{tmp_path}/base/b/file")}
        assert found.folders == {"b", "b/empty"}
    assert storage.find_files(f"bucket://{tmp_path}/base").folders == set()


def test_a_part_is_read(base: str) -> None:
    storage.make_folder(base)
    path = storage.join(base, "file")
    write(path, b"0123456789")
    assert storage.read_bytes(*storage.Place(path, 2, 3)) == b"234"
    assert storage.read_bytes(*storage.Place(path)) == b"0123456789"


def test_reading_seeks(base: str) -> None:
    storage.make_folder(base)
    path = storage.join(base, "file")
    write(path, b"0123456789")
    with storage.open_read(path) as file:
        assert file.read(2) == b"01"
        file.seek(3, 1)
        assert (file.tell(), file.read()) == (5, b"56789")
