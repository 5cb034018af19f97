"""What the tests of the emulators share."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from huggingface_hub import HfApi

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
