"""compose.yaml: what its schema cannot say. No container is started: that takes Docker."""

import re
from typing import Any

import pytest
import yaml

from pipeline.configs import load_settings
from stores.local_keys import KEYS
from tests.conftest import REPOSITORY

TEXT = (REPOSITORY / "compose.yaml").read_text()
COMPOSE: dict[str, Any] = yaml.safe_load(TEXT)
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]


def test_every_variable_is_one_that_make_env_writes() -> None:
    used = re.findall(r"\$\{(\w+):\?run make env\}", TEXT)
    assert set(used) <= set(KEYS)
    assert len(used) == TEXT.count("$"), "a variable has no sentence that says where it comes from"


def test_make_env_writes_nothing_that_is_not_used() -> None:
    assert all(f"${{{name}:" in TEXT for name in KEYS)


def test_the_settings_name_what_compose_starts() -> None:
    settings = load_settings(env_file="none")
    [port] = re.findall(r"127\.0\.0\.1:(\d+):8000", TEXT)
    assert settings.lakefs_endpoint == f"http://127.0.0.1:{port}"
    assert {settings.lakefs_access_key_secret, settings.lakefs_secret_key_secret} < set(KEYS)


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_is_pinned_and_seen_from_this_machine_only(name: str) -> None:
    service = SERVICES[name]
    assert service["profiles"] == ["local-lakefs"]
    pinned = r"pgsty/\w+:RELEASE\.[\dTZ-]+@sha256:[0-9a-f]{64}|treeverse/lakefs:1\.86\.0"
    assert re.fullmatch(pinned, service["image"])
    for port in service.get("ports", []):
        assert port.startswith("127.0.0.1:")
    assert "no-new-privileges:true" in service["security_opt"]


def test_a_service_starts_after_what_it_needs() -> None:
    assert {
        (name, needed): how["condition"]
        for name, service in SERVICES.items()
        for needed, how in service.get("depends_on", {}).items()
    } == {
        ("minio-setup", "minio"): "service_healthy",
        ("lakefs", "minio"): "service_healthy",
        ("lakefs", "minio-setup"): "service_completed_successfully",
    }
    for name in ("minio", "lakefs"):
        assert SERVICES[name]["healthcheck"]["test"][0] == "CMD"


def test_lakefs_keeps_its_objects_in_the_bucket_that_is_made() -> None:
    bucket = SERVICES["minio-setup"]["command"][-1].removeprefix("storage/")
    environment = SERVICES["lakefs"]["environment"]
    assert environment["LAKEFS_BLOCKSTORE_DEFAULT_NAMESPACE_PREFIX"] == f"s3://{bucket}/"
    assert environment["LAKEFS_BLOCKSTORE_S3_ENDPOINT"] == "http://minio:9000"


def test_what_is_kept_lies_in_volumes() -> None:
    used = [volume for service in SERVICES.values() for volume in service.get("volumes", [])]
    assert {volume.partition(":")[0] for volume in used} == set(COMPOSE["volumes"])
    assert set(COMPOSE["volumes"]) == {"minio_data", "lakefs_metadata"}
