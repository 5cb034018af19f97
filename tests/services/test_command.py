"""`make services`, `make mlflow` and `make monitoring`: what compose.yaml has, without Docker."""

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx2
import psutil
import psycopg
import pytest
from mlflow import MlflowClient

from stores.local_keys import write_keys
from tests.conftest import REPOSITORY
from tests.emulators.googleapis import ServerMissing
from tests.emulators.s3 import S3Client
from tests.ports import free_port
from tests.services.__main__ import BUCKET
from tests.services.alerting import SETTINGS, SLACK_URL, find_programs
from tests.services.postgres import make_url

SERVED = ("mlflow", "s3", "pgpool", "postgres")


@pytest.fixture
def folder(open_folder: Path) -> Path:
    """A folder to work in, with keys."""
    write_keys(open_folder / ".env")
    return open_folder


@pytest.fixture
def ports() -> dict[str, int]:
    return {name: free_port() for name in SERVED}


def start(folder: Path, what: str, ports: dict[str, int]) -> subprocess.Popen[str]:
    options = [f"--{name}-port={port}" for name, port in ports.items()]
    return subprocess.Popen(
        [sys.executable, "-m", "tests.services", what, "--state=state", *options],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@contextmanager
def served(folder: Path, what: str, ports: dict[str, int]) -> Iterator[tuple[psutil.Process, str]]:
    """The program, ready, and what it said; with Ctrl-C at the end unless it has ended."""
    serving = start(folder, what, ports)
    assert serving.stdout
    try:
        said = "".join(iter(serving.stdout.readline, "Ctrl-C ends it.\n"))
        yield psutil.Process(serving.pid), said
    finally:
        serving.send_signal(signal.SIGINT)
        _, faults = serving.communicate(timeout=120)
    assert (serving.returncode, faults) in ((0, ""), (-signal.SIGKILL, ""))


def told(folder: Path) -> dict[str, str]:
    return dict(line.split("=") for line in (folder / ".env").read_text().splitlines())


def running(folder: Path) -> list[str]:
    """The command lines that name the folder's state."""
    found = []
    for process in psutil.process_iter(["cmdline"]):
        words = process.info["cmdline"] or []
        if any(f"{folder}/state/" in word for word in words):
            found.append(" ".join(words))
    return found


def listening(ports: dict[str, int]) -> set[str]:
    """The names whose ports cannot be had."""
    with ExitStack() as stack:
        taken = set()
        for name, port in ports.items():
            try:
                stack.enter_context(socket.create_server(("127.0.0.1", port)))
            except OSError:
                taken.add(name)
        return taken


@pytest.mark.slow
def test_a_killed_one_is_cleaned_up_by_the_next_which_goes_on_with_what_it_kept(
    databases: None, folder: Path, ports: dict[str, int]
) -> None:
    endpoint, key = f"http://127.0.0.1:{ports['mlflow']}", "models/a"
    keys = told(folder)
    with served(folder, "all", ports) as (program, said):
        for address in (endpoint, f"http://127.0.0.1:{ports['s3']}", BUCKET):
            assert address in said
        secrets = {keys["POSTGRES_PASSWORD"], keys["MINIO_ROOT_PASSWORD"]}
        assert not [secret for secret in secrets if secret in said + " ".join(running(folder))]
        assert listening(ports) == set(SERVED)
        client = MlflowClient(endpoint)
        run = client.create_run(client.create_experiment("kept")).info.run_id
        client.log_text(run, "artifact", "note.txt")
        client.set_terminated(run)
        user = (keys["MINIO_ROOT_USER"], keys["MINIO_ROOT_PASSWORD"])
        s3 = S3Client(f"http://127.0.0.1:{ports['s3']}", *user)
        s3.put(BUCKET, key, b"a")
        program.kill()
        program.wait()
        assert listening(ports) == set(SERVED)  # they outlive it
        ports = {name: free_port() for name in SERVED}
    with served(folder, "all", ports):
        client = MlflowClient(f"http://127.0.0.1:{ports['mlflow']}")
        assert client.get_run(run).info.status == "FINISHED"
        assert [found.path for found in client.list_artifacts(run)] == ["note.txt"]
        s3 = S3Client(f"http://127.0.0.1:{ports['s3']}", *user)
        assert s3.read(BUCKET, key) == b"a"
        url = make_url(keys["POSTGRES_PASSWORD"], ports["pgpool"])
        with psycopg.connect(url) as connection:
            assert connection.execute("SELECT count(*) FROM runs").fetchone() == (1,)
        with pytest.raises(psycopg.OperationalError, match="password|authentication"):
            psycopg.connect(make_url("another", ports["postgres"]))
    assert not running(folder)
    assert not listening(ports)
    # Where it must be written down, its owner alone reads it.
    secret = keys["POSTGRES_PASSWORD"].encode()
    holding = [
        path
        for path in (folder / "state").rglob("*")
        if path.is_file() and secret in path.read_bytes()
    ]
    assert [path.name for path in holding] == ["pool_passwd"]
    assert holding[0].stat().st_mode & 0o077 == 0


def test_mlflow_alone_keeps_its_runs(folder: Path, ports: dict[str, int]) -> None:
    (folder / ".env").unlink()  # it takes no key
    mlflow = {"mlflow": ports["mlflow"]}
    with served(folder, "mlflow", mlflow) as (_, said):
        endpoint = f"http://127.0.0.1:{ports['mlflow']}"
        assert f"MLFLOW_TRACKING_URI={endpoint}" in said
        assert listening(ports) == {"mlflow"}
        client = MlflowClient(endpoint)
        client.create_experiment("kept")
        second = start(folder, "mlflow", {"mlflow": free_port()})
        assert "is served by another program" in second.communicate(timeout=60)[1]
        assert client.get_experiment_by_name("kept")
    assert (folder / "state" / "mlflow.db").stat().st_size
    assert not running(folder)


def test_monitoring_asks_and_says_where_it_is(folder: Path) -> None:
    try:
        find_programs()
    except ServerMissing as missing:
        pytest.skip(f"{missing}; `make test-services` installs it where it may")
    ports = {"prometheus": free_port(), "alertmanager": free_port()}
    with served(folder, "monitoring", ports) as (_, said):
        assert listening(ports) == set(ports)
        prometheus = f"http://127.0.0.1:{ports['prometheus']}"
        assert prometheus in said and f":{ports['alertmanager']}." in said
        assert (SETTINGS / SLACK_URL).exists() or "Nobody is told" in said
        rules = httpx2.get(f"{prometheus}/api/v1/rules").json()["data"]["groups"]
        names = [rule["name"] for group in rules for rule in group["rules"]]
        assert {"ServerDown", "InputsDrifted", "NoRequests"} < set(names)
    assert not running(folder)


@pytest.mark.parametrize("name", SERVED)
def test_a_port_that_is_taken_is_told_in_a_sentence(
    databases: None, folder: Path, ports: dict[str, int], name: str
) -> None:
    with socket.create_server(("127.0.0.1", ports[name])):
        serving = start(folder, "all", ports)
        _, said = serving.communicate(timeout=60)
    assert serving.returncode == 1
    assert f"Port {ports[name]}, for " in said and said.count("\n") == 1
    assert not (folder / "state" / "postgres").exists()


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("POSTGRES_PASSWORD=\n", r"\.env has no POSTGRES_PASSWORD; `make env` writes"),
        ('POSTGRES_PASSWORD="it\'s mine"\n', "POSTGRES_PASSWORD may have letters"),
    ],
)
def test_a_password_that_cannot_be_used_is_told_in_a_sentence(
    databases: None, folder: Path, ports: dict[str, int], line: str, said: str
) -> None:
    with (folder / ".env").open("a") as file:
        file.write(line)
    serving = start(folder, "all", ports)
    _, faults = serving.communicate(timeout=120)
    assert serving.returncode == 1
    assert faults.count("\n") == 1
    assert re.search(said, faults)
    assert "mine" not in faults
    assert not running(folder)


def test_a_folder_that_cannot_be_written_is_told_in_a_sentence(
    folder: Path, ports: dict[str, int]
) -> None:
    (folder / "state").touch()
    serving = start(folder, "mlflow", {"mlflow": ports["mlflow"]})
    _, said = serving.communicate(timeout=60)
    assert serving.returncode == 1
    assert "cannot be used (File exists)" in said and said.count("\n") == 1


@pytest.mark.skipif(os.geteuid() != 0, reason="to others, their own folders are open")
def test_a_folder_of_roots_alone_is_told_in_a_sentence(
    databases: None, folder: Path, ports: dict[str, int]
) -> None:
    folder.chmod(0o700)
    serving = start(folder, "all", ports)
    _, said = serving.communicate(timeout=60)
    assert serving.returncode == 1
    assert "cannot be entered by postgres" in said and said.count("\n") == 1
