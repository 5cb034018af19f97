"""What the tests of the emulators share."""

import itertools
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from huggingface_hub import HfApi

from tests.emulators.child import ChildProcess
from tests.emulators.gcs import GcsEmulator, ServerMissing
from tests.emulators.hub import HubEmulator
from tests.emulators.publishing import SMALL, TOKEN
from tests.emulators.submitting import Runner, with_client

if TYPE_CHECKING:
    from tests.emulators.vertex import VertexEmulator


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[HubEmulator]:
    with HubEmulator(tmp_path / "hub", users={"demo": TOKEN}, limits=replace(SMALL)) as hub:
        yield hub


@pytest.fixture
def client(hub: HubEmulator) -> Callable[..., HfApi]:
    """Makes a client with a token; with False for one without."""
    return lambda token=TOKEN: HfApi(endpoint=hub.endpoint, token=token)


@pytest.fixture
def api(client) -> HfApi:
    return client()


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds for which the client would have slept between its tries."""
    waits: list[float] = []
    monkeypatch.setattr("time.sleep", waits.append)
    return waits


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
def settings(vertex: "VertexEmulator") -> dict[str, object]:
    """What aiplatform.init() is given, when over gRPC."""
    return {
        "project": vertex.project,
        "location": vertex.region,
        "api_transport": "grpc",
        "api_endpoint": f"{vertex.region}-aiplatform.googleapis.com",
    }


@pytest.fixture
def cloud(child: ChildProcess, settings: dict[str, object]) -> Callable[..., object]:
    """Calls a function in a process whose Google Cloud is the emulators, with the client set up."""
    return partial(child, with_client, settings)


@pytest.fixture(params=["grpc", "rest"])
def either_cloud(
    request: pytest.FixtureRequest,
    child: ChildProcess,
    vertex: "VertexEmulator",
    settings: dict[str, object],
) -> Callable[..., object]:
    """As `cloud`, over either transport."""
    if request.param == "rest":
        settings = {**settings, "api_transport": "rest", "api_endpoint": vertex.rest_url}
    return partial(child, with_client, settings)


@pytest.fixture
def artifact(gcs: GcsEmulator, bucket: str) -> str:
    """The gs:// URI of a folder that looks like a SavedModel."""
    objects = gcs.client.bucket(bucket.removeprefix("gs://"))
    objects.blob("model/saved_model.pb").upload_from_string(b"")
    return f"{bucket}/model"
