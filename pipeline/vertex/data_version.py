"""DATA_VERSION for a job on Vertex AI: its shards are brought to Cloud Storage before the job.

The machine that submits does it, so that the keys of lakeFS and S3 need be known to it alone, and
the job reads what any other job reads.
"""

import hashlib
from base64 import b64encode
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from google.api_core.exceptions import NotFound
from google.cloud import storage

from components.google_cloud import CloudError, explained, retrying
from pipeline.configs import Settings
from pipeline.data_version import fixed_data, with_data
from pipeline.vertex.requirements import require
from tfrecords.dataset import INFO_FILE

_WORKERS = 8


def with_data_in_bucket(settings: Settings) -> Settings:
    """Resolve DATA_VERSION, and bring its shards to where a job reads them.

    Returns:
        The settings with the fixed address in DATA_VERSION's place, and its shards in DATA_ROOT's;
        those that were given where DATA_VERSION is not set.

    Raises:
        ValueError: it cannot be had, or cannot be brought there.
    """
    if not settings.data_version:
        return settings
    placed, shards = bring_shards(settings)
    try:
        with explained("Cloud Storage", "roles/storage.objectUser on the bucket"):
            client = storage.Client(project=settings.google_cloud_project)
            upload(client, shards, placed.data_root)
    except CloudError as error:
        raise ValueError(str(error)) from error
    return placed


def bring_shards(settings: Settings) -> tuple[Settings, Path]:
    """Resolve DATA_VERSION, and bring its shards to this machine alone.

    Returns:
        The settings as `with_data_in_bucket` has them, and the folder of the shards.

    Raises:
        ValueError: it cannot be had, or something else that a job needs is not set.
    """
    brought = with_data(settings)
    placed = fixed_data(settings.model_copy(update={"data_version": brought.data_version}))
    require(placed)
    return placed, Path(brought.data_root)


def upload(client: storage.Client, folder: Path, target: str) -> None:
    """Copy shards, and last what says that they are whole; what is there is not copied again.

    Args:
        client: of the bucket.
        folder: of shards.
        target: gs://BUCKET/FOLDER.
    """

    def copy(file: Path) -> None:
        blob = _blob(client, target, file)
        retrying()(blob.upload_from_filename, str(file), checksum="md5")

    if wanted := missing(client, folder, target):
        with ThreadPoolExecutor(_WORKERS) as threads:
            list(threads.map(copy, wanted[:-1]))
        copy(wanted[-1])


def missing(client: storage.Client, folder: Path, target: str) -> list[Path]:
    """Return the files that `upload` would copy; the last one says that all are there."""
    info = folder / INFO_FILE
    if _is_there(client, target, info):
        return []
    shards = sorted(folder.glob("*.tfrecord"))
    with ThreadPoolExecutor(_WORKERS) as threads:
        there = threads.map(lambda shard: _is_there(client, target, shard), shards)
        return [*(shard for shard, found in zip(shards, there, strict=True) if not found), info]


def _blob(client: storage.Client, target: str, file: Path) -> storage.Blob:
    return storage.Blob.from_string(f"{target}/{file.name}", client=client)


def _is_there(client: storage.Client, target: str, file: Path) -> bool:
    blob = _blob(client, target, file)
    try:
        retrying()(blob.reload)
    except NotFound:
        return False
    with file.open("rb") as content:
        digest = hashlib.file_digest(content, "md5").digest()
    return blob.md5_hash == b64encode(digest).decode()
