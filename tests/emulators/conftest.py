"""What the tests of the emulators share."""

import itertools
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from huggingface_hub import HfApi

from tests.emulators.child import ChildProcess
from tests.emulators.gcs import GcsEmulator, ServerMissing
from tests.emulators.hub import HubEmulator
from tests.emulators.publishing import SMALL, TOKEN


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
