"""Lists have pages: of ten thousand objects none is missing, in either store."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from stores.address import LakeFSAddress, S3Address
from stores.imports import note_objects
from stores.lakefs import LakeFS
from stores.s3 import S3
from stores.versions import pull
from tests.emulators.lakefs import LakeFSEmulator
from tests.emulators.s3 import S3Server
from tests.stores.conftest import read

FILES = {f"{number % 100:02d}/{number:05d}": b"%05d" % number for number in range(10_000)}


@pytest.mark.slow
def test_of_ten_thousand_objects_none_is_missing(
    s3: S3Server,
    s3_store: S3,
    s3_bucket: str,
    lakefs: LakeFSEmulator,
    store: LakeFS,
    data: LakeFSAddress,
    tmp_path: Path,
) -> None:
    prefix = S3Address(s3_bucket, "data")
    with ThreadPoolExecutor(16) as threads:
        keys = [f"{prefix.key}/{path}" for path in FILES]
        list(threads.map(s3.put, [s3_bucket] * len(FILES), keys, FILES.values()))
    note_objects(store, prefix, data, "Objects")
    version = pull(s3_store, prefix, tmp_path / "versions", print)
    assert (len(version.entries), read(version.folder)) == (len(FILES), FILES)
    before = len(lakefs.requests)
    version = pull(store, data, tmp_path / "versions", print)
    assert (len(version.entries), read(version.folder)) == (len(FILES), FILES)
    asked = [request.path.rpartition("/")[2] for request in lakefs.requests[before:]]
    assert (asked.count("ls"), asked.count("objects")) == (10, len(FILES))
