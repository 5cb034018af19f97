"""Google Cloud, S3 and lakeFS on this machine, for all tests that need them."""

import itertools
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.emulators.child import ChildProcess
from tests.emulators.gcs import GcsEmulator
from tests.emulators.github import GithubEmulator
from tests.emulators.googleapis import ServerMissing
from tests.emulators.lakefs import LakeFSEmulator
from tests.emulators.osv import Osv
from tests.emulators.registry import RegistryEmulator
from tests.emulators.s3 import S3Server
from tests.emulators.submitting import Runner, with_client

if TYPE_CHECKING:
    from tests.emulators.vertex import VertexEmulator


@pytest.fixture(scope="session")
def gcs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GcsEmulator]:
    """One Cloud Storage for all tests, which make buckets of their own."""
    try:
        emulator = GcsEmulator(tmp_path_factory.mktemp("gcs"))
    except ServerMissing as missing:
        pytest.skip(str(missing))
    with emulator:
        yield emulator


@pytest.fixture(scope="session")
def _bucket_numbers() -> Iterator[int]:
    return itertools.count(1)


@pytest.fixture
def bucket(gcs: GcsEmulator, _bucket_numbers: Iterator[int]) -> str:
    """The gs:// URI of a new bucket."""
    name = f"bucket-{next(_bucket_numbers)}"
    gcs.make_bucket(name)
    return f"gs://{name}"


@pytest.fixture(scope="session")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    """One S3 server for all tests of a process, which make buckets of their own."""
    try:
        server = S3Server(tmp_path_factory.mktemp("s3"))
    except ServerMissing as missing:
        pytest.skip(str(missing))
    with server:
        yield server


@pytest.fixture
def s3_bucket(s3: S3Server, _bucket_numbers: Iterator[int]) -> str:
    """The name of a new bucket, in which what is overwritten is gone."""
    name = f"s3-bucket-{next(_bucket_numbers)}"
    s3.make_bucket(name)
    return name


@pytest.fixture
def lakefs(tmp_path: Path, s3: S3Server, s3_bucket: str) -> Iterator[LakeFSEmulator]:
    """A lakeFS without repositories, which may have their objects below s3://`s3_bucket`."""
    with LakeFSEmulator(tmp_path / "lakefs", s3) as lakefs:
        yield lakefs


@pytest.fixture
def github() -> Iterator[GithubEmulator]:
    """A run of a workflow of demo/pets."""
    with GithubEmulator() as github:
        yield github


@pytest.fixture
def osv(gcs: GcsEmulator) -> Iterator[Osv]:
    """A list that knows no vulnerability."""
    with Osv(gcs.authority, gcs.proxy) as osv:
        yield osv


@pytest.fixture
def registry(tmp_path: Path, gcs: GcsEmulator) -> Iterator[RegistryEmulator]:
    """A container registry without repositories."""
    try:
        emulator = RegistryEmulator(tmp_path / "registry", gcs)
    except ServerMissing as missing:
        pytest.skip(str(missing))
    with emulator:
        yield emulator


@pytest.fixture(scope="session")
def child(gcs: GcsEmulator) -> Iterator[ChildProcess]:
    """A process whose Google Cloud is the emulators."""
    process = ChildProcess(gcs.environment)
    yield process
    process.close()


@pytest.fixture
def runner() -> Runner:
    return Runner()


@pytest.fixture
def vertex(tmp_path: Path, gcs: GcsEmulator, runner: Runner) -> Iterator["VertexEmulator"]:
    # It brings in the messages of all of Vertex AI, which takes seconds.
    from tests.emulators.vertex import VertexEmulator

    with VertexEmulator(tmp_path / "vertex", gcs, runner) as vertex:
        yield vertex
        runner.released.set()


@pytest.fixture
def client_settings(vertex: "VertexEmulator") -> dict[str, object]:
    """What aiplatform.init() is given, when over gRPC."""
    return {
        "project": vertex.project,
        "location": vertex.region,
        "api_transport": "grpc",
        "api_endpoint": f"{vertex.region}-aiplatform.googleapis.com",
    }


@pytest.fixture
def cloud(child: ChildProcess, client_settings: dict[str, object]) -> Callable[..., object]:
    """Calls a function in a process whose Google Cloud is the emulators, with the client set up."""
    return partial(child, with_client, client_settings)


@pytest.fixture
def artifact(gcs: GcsEmulator, bucket: str) -> str:
    """The gs:// URI of a folder that looks like a SavedModel."""
    objects = gcs.client.bucket(bucket.removeprefix("gs://"))
    objects.blob("model/saved_model.pb").upload_from_string(b"")
    return f"{bucket}/model"
