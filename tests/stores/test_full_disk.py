"""A disk that is filled while a version comes: what came stays, and is gone on with."""

import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from stores import pull as pulling
from stores.address import LakeFSAddress
from stores.errors import StoreError
from stores.lakefs import LakeFS
from stores.versions import find, pull
from tests.stores.conftest import read

DISK = 2_300 << 10  # bytes: a version fits, and not another third of it
FILES = {f"images/{number}.png": bytes([number]) * (256 << 10) for number in range(8)}
LEFT = 512 << 10  # bytes, when others have written theirs


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system that a process has mounted for itself, and that ends with it."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = f"mount -t tmpfs -o size={DISK} none '{place}' && echo mounted && read line"
    try:
        process = subprocess.Popen(
            ["unshare", "--map-root-user", "--mount", "sh", "-c", mount],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
    except FileNotFoundError:
        pytest.skip("there is no unshare")
    assert process.stdin and process.stdout
    with process:
        if (said := process.stdout.readline().strip()) != "mounted":
            pytest.skip(f"no file system can be mounted here: {said}")
        yield Path(f"/proc/{process.pid}/root{place}")
        process.stdin.close()


def test_what_came_before_the_disk_was_full_is_not_copied_again(
    store: LakeFS,
    put: Callable[..., None],
    data: LakeFSAddress,
    small_disk: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pulling, "PIECE", 64 << 10)
    monkeypatch.setattr(pulling, "WORKERS", 2)
    put(FILES)
    fixed = store.resolve(data)
    others, versions = small_disk / "others", small_disk / "versions"

    def fill(size: int) -> None:
        if not others.exists():
            others.write_bytes(bytes(shutil.disk_usage(small_disk).free - LEFT))

    with pytest.raises(
        StoreError, match=r"^The disk of \S+/versions is full; free some and do the"
    ):
        pull(store, fixed, versions, print, fill)
    assert find(fixed, versions) is None
    others.unlink()
    came = sum(len(content) for content in read(versions / ".partial").values())
    assert came >= LEFT - pulling.PIECE
    # There is room for what is missing, and would be none for all of it beside what came.
    assert shutil.disk_usage(small_disk).free < sum(map(len, FILES.values()))
    missing: list[int] = []
    version = pull(store, fixed, versions, print, missing.append)
    assert read(version.folder) == FILES
    assert sum(missing) == version.size - came
