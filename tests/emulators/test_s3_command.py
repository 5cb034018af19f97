"""`make services`: S3 with the settings of compose.yaml, without Docker."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from stores.local_keys import write_keys
from tests.conftest import REPOSITORY
from tests.emulators.s3 import S3Server
from tests.emulators.s3.__main__ import BUCKET


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def start(folder: Path, port: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.emulators.s3", "--state", "s3", "--port", str(port)]
    return subprocess.Popen(
        command,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_it_serves_until_it_is_ended_and_goes_on_with_what_it_kept(
    tmp_path: Path, s3: S3Server
) -> None:
    write_keys(tmp_path / ".env")
    told = dict(line.split("=") for line in (tmp_path / ".env").read_text().splitlines())
    for kept in ([], ["models/a"]):
        port = free_port()
        serving = start(tmp_path, port)
        assert serving.stdout
        line = serving.stdout.readline()
        try:
            assert f"S3 is at http://127.0.0.1:{port}, with the bucket {BUCKET}" in line
            assert told["MINIO_ROOT_PASSWORD"] not in line
            s3_of_it = s3.connect_to(
                f"http://127.0.0.1:{port}", told["MINIO_ROOT_USER"], told["MINIO_ROOT_PASSWORD"]
            )
            listed = s3_of_it.list_objects_v2(Bucket=BUCKET).get("Contents", [])
            assert [one["Key"] for one in listed] == kept
            s3_of_it.put_object(Bucket=BUCKET, Key="models/a", Body=b"a")
        finally:
            serving.send_signal(signal.SIGINT)
            serving.communicate(timeout=60)
        assert serving.returncode == 0
    assert (tmp_path / "s3" / "s3.json").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("what", ["keys", "port"])
def test_what_is_missing_is_told_in_a_sentence(tmp_path: Path, what: str) -> None:
    said = {"keys": "`make env` writes them", "port": "cannot be had"}[what]
    if what == "port":
        write_keys(tmp_path / ".env")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        serving = start(tmp_path, taken.getsockname()[1])
        printed = serving.communicate(timeout=60)
    assert serving.returncode == 1
    assert said in printed[1] and printed[1].count("\n") == 1
