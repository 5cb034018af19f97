"""Steps that the tests of the Hub's emulator share."""

import pytest
from huggingface_hub import CommitOperationAdd, HfApi

from tests.emulators.hub import HubEmulator, Limits

TOKEN = "hf_demo_write"
SMALL = Limits(multipart_bytes=1000, part_bytes=400, page_items=3)
MODEL = {"README.md": b"---\nlicense: mit\n---\n# Pets\n", "config.json": b"{}"}
WEIGHTS = bytes(range(256)) * 3  # 768 bytes: uploaded at once
LARGE = bytes(reversed(range(256))) * 9  # 2304 bytes: uploaded in six parts


def publish(api: HfApi, files: dict[str, bytes], repo_id: str = "demo/pets", **arguments) -> str:
    """Commits files to a model repository, which is made when absent."""
    api.create_repo(repo_id, exist_ok=True)
    operations = [CommitOperationAdd(path, content) for path, content in files.items()]
    return api.create_commit(repo_id, operations, **{"commit_message": "Publish", **arguments}).oid


def sent(hub: HubEmulator, method: str, part: str) -> int:
    """How many requests of a method have a text in their path."""
    return sum(request.method == method and part in request.path for request in hub.requests)


def status_of(error: pytest.ExceptionInfo) -> int:
    return error.value.response.status_code
