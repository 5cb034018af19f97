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
    """Resolves DATA_VERSION, and brings its shards to where a job reads them.

    Returns:
        The settings with the fixed address in DATA_VERSION's place, and its shards in DATA_ROOT's;
        those that were given where DATA_VERSION is not set.

    Raises:
        ValueError: it cannot be had, or cannot be brought there.
    """
    if not settings.data_version:
        return settings
    brought = with_data(settings)
    placed = fixed_data(settings.model_copy(update={"data_version": brought.data_version}))
    require(placed)
    try:
        with explained("Cloud Storage", "roles/storage.objectUser on the bucket"):
            client = storage.Client(project=settings.google_cloud_project)
            upload(client, Path(brought.data_root), placed.data_root)
    except CloudError as error:
        raise ValueError(str(error)) from error
    return placed


def upload(client: storage.Client, folder: Path, target: str) -> None:
    """Copies shards, and last what says that they are whole; what is there is not copied again.

    Args:
        client: of the bucket.
        folder: of shards.
        target: gs://BUCKET/FOLDER.
    """
    place = storage.Blob.from_string(f"{target}/{INFO_FILE}", client=client)
    if _is_there(place, folder / INFO_FILE):
        return
    shards = sorted(folder.glob("*.tfrecord"))
    with ThreadPoolExecutor(_WORKERS) as threads:
        list(threads.map(lambda shard: _copy(client, shard, f"{target}/{shard.name}"), shards))
    _copy(client, folder / INFO_FILE, f"{target}/{INFO_FILE}")


def _copy(client: storage.Client, file: Path, target: str) -> None:
    blob = storage.Blob.from_string(target, client=client)
    if not _is_there(blob, file):
        retrying()(blob.upload_from_filename, str(file), checksum="md5")


def _is_there(blob: storage.Blob, file: Path) -> bool:
    try:
        retrying()(blob.reload)
    except NotFound:
        return False
    with file.open("rb") as content:
        digest = hashlib.file_digest(content, "md5").digest()
    return blob.md5_hash == b64encode(digest).decode()
