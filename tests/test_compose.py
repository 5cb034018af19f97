"""compose.yaml: what its schema cannot say. No container is started: that takes Docker."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from pipeline.configs import load_settings
from stores.local_keys import KEYS
from tests.conftest import REPOSITORY
from tests.services import alerting, mlflow_server, pgpool, postgres
from tests.test_supply_chain import LOCKED

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
    pinned = r"[\w./]+:(RELEASE\.[\dTZ-]+|v?\d+\.\d+(\.\d+)?(-full)?)(@sha256:[0-9a-f]{64})?"
    assert (match := re.fullmatch(pinned, service["image"]))
    # The pages tell of the others.
    assert bool(match[4]) == (name in {"minio", "minio-setup", "postgres"})
    for port in service.get("ports", []):
        assert port.startswith("127.0.0.1:")
    assert "no-new-privileges:true" in service["security_opt"]


def test_the_profiles() -> None:
    by_profile: dict[str, set[str]] = {}
    for name, service in SERVICES.items():
        for profile in service["profiles"]:
            by_profile.setdefault(profile, set()).add(name)
    assert by_profile == {
        "local-lakefs": {"minio", "minio-setup", "lakefs"},
        "mlflow": {"postgres", "mlflow"},
        "mlflow-pgpool": {"postgres", "pgpool", "mlflow-behind-pgpool"},
        "monitoring": {"prometheus", "alertmanager", "grafana"},
    }


def test_lakefs_is_of_the_last_version_under_the_apache_license() -> None:
    assert SERVICES["lakefs"]["image"] == "treeverse/lakefs:1.86.0"


@pytest.mark.parametrize(
    ("name", "database"), [("mlflow", "postgres:5432"), ("mlflow-behind-pgpool", "pgpool:9999")]
)
def test_mlflow_is_as_it_is_without_docker(name: str, database: str) -> None:
    service = SERVICES[name]
    assert service["image"] == f"ghcr.io/mlflow/mlflow:v{LOCKED['mlflow']['version']}-full"
    environment = dict(service["environment"])
    assert environment.pop("MLFLOW_BACKEND_STORE_URI") == (
        f"postgresql+psycopg://{postgres.NAME}:${{POSTGRES_PASSWORD:?run make env}}@{database}"
        f"/{postgres.NAME}"
    )
    assert environment == mlflow_server.SETTINGS
    assert "--workers=1" in service["command"]  # each has as many connections
    [volume] = service["volumes"]
    assert f"--artifacts-destination={volume.partition(':')[2]}/artifacts" in service["command"]
    assert service["ports"] == ["127.0.0.1:5000:5000"]


def test_postgresql_takes_the_connections_that_pgpool_opens() -> None:
    assert f"max_connections={postgres.CONNECTIONS}" in SERVICES["postgres"]["command"]
    settings = SERVICES["pgpool"]["environment"]
    assert settings["PGPOOL_PARAMS_NUM_INIT_CHILDREN"] == str(pgpool.CONNECTIONS)
    opened = pgpool.CONNECTIONS * int(settings["PGPOOL_PARAMS_MAX_POOL"])
    assert opened <= postgres.CONNECTIONS - 3  # which are kept for its administrators
    sizes = ("POOL_SIZE", "MAX_OVERFLOW")
    most = sum(int(mlflow_server.SETTINGS[f"MLFLOW_SQLALCHEMYSTORE_{size}"]) for size in sizes)
    assert 2 * 40 <= most < pgpool.CONNECTIONS  # two for each request at once


def test_a_service_starts_after_what_it_needs() -> None:
    assert {
        (name, needed): how["condition"]
        for name, service in SERVICES.items()
        for needed, how in service.get("depends_on", {}).items()
    } == {
        ("minio-setup", "minio"): "service_healthy",
        ("lakefs", "minio"): "service_healthy",
        ("lakefs", "minio-setup"): "service_completed_successfully",
        ("pgpool", "postgres"): "service_healthy",
        ("mlflow", "postgres"): "service_healthy",
        ("mlflow-behind-pgpool", "pgpool"): "service_healthy",
    }
    for name in set(SERVICES) - {"minio-setup"}:
        assert SERVICES[name]["healthcheck"]["test"][0] == "CMD"


def test_what_shares_the_machines_network_listens_on_it_alone() -> None:
    of_the_machine = {name for name, one in SERVICES.items() if one.get("network_mode") == "host"}
    assert of_the_machine == {"prometheus", "alertmanager", "grafana"}
    ports = {"prometheus": alerting.PROMETHEUS_PORT, "alertmanager": alerting.ALERTMANAGER_PORT}
    for name in ports:
        listens = [word for word in SERVICES[name]["command"] if "listen-address=" in word]
        assert f"--web.listen-address=127.0.0.1:{ports[name]}" in listens
        assert set(listens[1:]) <= {"--cluster.listen-address="}
    assert SERVICES["grafana"]["environment"]["GF_SERVER_HTTP_ADDR"] == "127.0.0.1"
    for part in ("configs", "secrets"):
        for one in COMPOSE[part].values():
            assert one["file"].startswith("monitoring/")


def test_grafana_shows_every_dashboard_and_lets_nobody_change_one() -> None:
    service = SERVICES["grafana"]
    placed = {
        one["target"]: REPOSITORY / COMPOSE["configs"][one["source"]]["file"]
        for one in service["configs"]
    }
    assert set(placed.values()) == set((REPOSITORY / "monitoring" / "grafana").iterdir())
    provisioned = {
        Path(target).parent.name: yaml.safe_load(path.read_text())
        for target, path in placed.items()
        if target.startswith("/etc/grafana/provisioning/")
    }
    [source] = provisioned["datasources"]["datasources"]
    assert source["url"] == f"http://127.0.0.1:{alerting.PROMETHEUS_PORT}"
    [provider] = provisioned["dashboards"]["providers"]
    dashboards = [path for path in placed.values() if path.suffix == ".json"]
    for path in dashboards:
        assert placed[f"{provider['options']['path']}/{path.name}"] == path
        asked = re.findall(r'"uid": "(?!visionpipe-)(\w+)"', path.read_text())
        assert set(asked) == {source["uid"]}
    environment = service["environment"]
    assert environment["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"] in placed
    assert environment["GF_AUTH_ANONYMOUS_ORG_ROLE"] == "Viewer"
    assert environment["GF_AUTH_BASIC_ENABLED"] == environment["GF_USERS_ALLOW_SIGN_UP"] == "false"
    assert environment["GF_SECURITY_DISABLE_INITIAL_ADMIN_CREATION"] == "true"


def test_lakefs_keeps_its_objects_in_the_bucket_that_is_made() -> None:
    bucket = SERVICES["minio-setup"]["command"][-1].removeprefix("storage/")
    environment = SERVICES["lakefs"]["environment"]
    assert environment["LAKEFS_BLOCKSTORE_DEFAULT_NAMESPACE_PREFIX"] == f"s3://{bucket}/"
    assert environment["LAKEFS_BLOCKSTORE_S3_ENDPOINT"] == "http://minio:9000"


def test_what_is_kept_lies_in_volumes() -> None:
    used = [volume for service in SERVICES.values() for volume in service.get("volumes", [])]
    assert {volume.partition(":")[0] for volume in used} == set(COMPOSE["volumes"])
    assert set(COMPOSE["volumes"]) == {
        "minio_data",
        "lakefs_metadata",
        "postgres_data",
        "mlflow_artifacts",
        "prometheus_data",
        "alertmanager_data",
    }
