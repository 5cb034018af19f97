"""What the tests of `serving/` share: pushed versions, photos, a server over them."""

import contextlib
import io
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from serving import config
from tests.serving.own_server import MODEL, Running, running

if TYPE_CHECKING:
    from tests.emulators.model_server import ServingEmulator


def encode(height: int, width: int, kind: str = "JPEG") -> bytes:
    """A drawn photo."""
    pixels = np.random.default_rng(height).integers(0, 255, (height, width, 3), np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, kind)
    return file.getvalue()


@pytest.fixture(scope="session")
def two_versions(shared: Callable[..., Path]) -> Path:
    """Versions 1 and 2, of which 1 says that all is of class 1, and 2 of class 2."""

    def push(folder: Path) -> None:
        from tests.serving.tiny_models import push_tiny

        (folder / "serving").mkdir()
        for version in (1, 2):
            push_tiny(folder / "serving", version, answer=version)

    return shared("two-versions", push) / "serving"


@pytest.fixture
def pushed(two_versions: Path, tmp_path: Path) -> Path:
    """A folder of the Pusher's that a test may change."""
    return Path(shutil.copytree(two_versions, tmp_path / "output" / "scenes" / "serving"))


@pytest.fixture
def server(pushed: Path) -> Iterator["ServingEmulator"]:
    """A server with version 1 as stable, and 2 as canary."""
    from tests.emulators.model_server import ServingEmulator

    labels = {"stable": 1, "canary": 2}
    config.write(pushed, config.build(pushed, MODEL, {1, 2}, labels))
    with ServingEmulator(pushed / config.FILE) as server:
        yield server


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    """A photo of 40 by 60 pixels."""
    path = tmp_path / "photo.jpg"
    path.write_bytes(encode(40, 60))
    return path


@pytest.fixture(scope="session")
def rest(two_versions: Path) -> Iterator[Running]:
    """A server of versions that nobody changes: the newest, 2, is served."""
    with running(two_versions) as server:
        yield server


@pytest.fixture
def serve() -> Iterator[Callable[..., Running]]:
    """Starts a server of a test's own."""
    with contextlib.ExitStack() as stack:
        yield lambda *arguments, **keywords: stack.enter_context(running(*arguments, **keywords))
