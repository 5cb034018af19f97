"""What the tests of the emulators share."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from huggingface_hub import HfApi

from tests.emulators.child import ChildProcess
from tests.emulators.hub import HubEmulator
from tests.emulators.publishing import SMALL, TOKEN
from tests.emulators.submitting import with_client

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


@pytest.fixture(params=["grpc", "rest"])
def either_settings(
    request: pytest.FixtureRequest, vertex: "VertexEmulator", client_settings: dict[str, object]
) -> dict[str, object]:
    """As `client_settings`, for either transport."""
    if request.param == "grpc":
        return client_settings
    return {**client_settings, "api_transport": "rest", "api_endpoint": vertex.rest_url}


@pytest.fixture
def either_cloud(child: ChildProcess, either_settings: dict[str, object]) -> Callable[..., object]:
    """As `cloud`, over either transport."""
    return partial(child, with_client, either_settings)
