"""Lists have pages: of ten thousand objects none is missing, in either store."""

import io
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pipeline.recipes import load_recipe
from stores.address import LakeFSAddress, S3Address
from stores.imports import note_objects
from stores.lakefs import LakeFS
from stores.s3 import S3
from stores.versions import pull
from tests.emulators.lakefs import LakeFSEmulator
from tests.emulators.s3 import S3Server
from tests.stores.conftest import read
from tfrecords.dataset import read_info

FILES = {f"{number % 100:02d}/{number:05d}": b"%05d" % number for number in range(7_500)}


def draw_photos(count: int) -> dict[str, bytes]:
    """Photos in class folders, one of ten of a defect."""
    photos = {}
    noise = np.random.default_rng(0).integers(0, 256, (count, 8, 8, 3), np.uint8)
    for number, pixels in enumerate(noise):
        file = io.BytesIO()
        Image.fromarray(pixels).save(file, "JPEG")
        kind = "good" if number % 10 else "defective"
        photos[f"split_1/{kind}/{number:04d}.jpg"] = file.getvalue()
    return photos


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
    files = FILES | draw_photos(2_500)
    prefix = S3Address(s3_bucket, "data")
    with ThreadPoolExecutor(16) as threads:
        keys = [f"{prefix.key}/{path}" for path in files]
        list(threads.map(s3.put, [s3_bucket] * len(files), keys, files.values()))
    note_objects(store, prefix, data, "Objects")
    version = pull(s3_store, prefix, tmp_path / "versions", print)
    assert (len(version.entries), read(version.folder)) == (len(files), files)
    before = len(lakefs.requests)
    version = pull(store, data, tmp_path / "versions", print)
    assert (len(version.entries), read(version.folder)) == (len(files), files)
    asked = [request.path.rpartition("/")[2] for request in lakefs.requests[before:]]
    assert (asked.count("ls"), asked.count("objects")) == (10, len(files))

    convert = load_recipe("tires").convert
    assert convert
    convert.run(str(version.folder / "split_1"), str(tmp_path / "shards"))
    info = read_info(str(tmp_path / "shards"))
    assert info.classes == {  # each photo is in one split
        "train": {"defective": 137, "good": 1237},
        "val": {"defective": 75, "good": 675},
        "calibration": {"defective": 38, "good": 338},
    }
