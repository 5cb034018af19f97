"""Where the app keeps files, and how it reaches itself."""

import sys
from pathlib import Path

import pytest
from gradio_client import Client, handle_file
from PIL import Image
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from surroundings import RoomForUploads
from tests.apps.gradio.running import APP, running_app


def test_a_proxy_and_the_folder_of_another_user_stop_nothing(
    lite_folder: Path, tmp_path: Path
) -> None:
    """Nothing is asked of the proxy, the idle app sleeps, and nothing is left when it ends."""
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    (temporary / "gradio").touch()  # also for root, nothing can be written there
    photo = tmp_path / "photo.png"
    Image.new("RGB", (40, 30), "lime").save(photo)
    surroundings = {"TMPDIR": temporary, "GRADIO_TEMP_DIR": "", "NO_PROXY": "", "no_proxy": ""}
    environment = {name: str(value) for name, value in surroundings.items()}
    command = [sys.executable, str(APP / "app.py"), "--model", str(lite_folder)]
    with running_app(command, tmp_path, **environment) as running:
        client = Client(
            running.url,
            verbose=False,
            download_files=tmp_path / "answers",
            httpx_kwargs={"trust_env": False},
        )
        mask, _, _ = client.predict(handle_file(photo), api_name="/segment")
        assert Image.open(mask).getextrema() == (1, 1)
        assert not running.asked_outside()
        assert running.count_wakeups(1) < 300
        assert len(list(temporary.glob("gradio-*"))) == 1
    assert [path.name for path in temporary.iterdir()] == ["gradio"]


@pytest.fixture
def keeper(tmp_path: Path) -> TestClient:
    """Something that takes uploads while its folder holds less than 1000 bytes."""

    async def answer(request: Request) -> PlainTextResponse:
        return PlainTextResponse("taken")

    routes = [Route(path, answer, methods=["POST"]) for path in ("/upload", "/other")]
    room = Middleware(RoomForUploads, folder=tmp_path, most=1000)
    return TestClient(Starlette(routes=routes, middleware=[room]))


def test_a_full_folder_takes_no_uploads(keeper: TestClient, tmp_path: Path) -> None:
    assert keeper.post("/upload").text == "taken"
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "image").write_bytes(bytes(500))
    refused = keeper.post("/upload")
    assert (refused.status_code, refused.text) == (
        507,
        "The app keeps as many files as it may: retry in some minutes.",
    )
    assert keeper.post("/other").text == "taken"
    (tmp_path / "a" / "image").unlink()
    assert keeper.post("/upload").text == "taken"
