"""The app as a Space: its folder, `model.json`, its own requirements, and a Hub."""

import io
import json
import os
import re
import shutil
import subprocess
import sys
import threading
import tomllib
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
from gradio_client import Client, handle_file
from huggingface_hub import SpaceCard
from PIL import Image
from running import APP, Serve, running_app

from images import read_image
from tests.conftest import REPOSITORY
from tfrecords import scenes

REVISION = "0123456789abcdef0123456789abcdef01234567"
UV = shutil.which("uv") or str(REPOSITORY / ".tools/bin/uv")


class Hub(ThreadingHTTPServer):
    """As much of the Hub as hands out one revision of demo/pets to who holds the token."""

    def __init__(self, folder: Path) -> None:
        super().__init__(("127.0.0.1", 0), Answers)
        self.files = {
            str(path.relative_to(folder)): path.read_bytes()
            for path in folder.rglob("*")
            if path.is_file()
        }
        self.files |= {"README.md": b"A model card.", "from_examples.bin": bytes(1000)}
        self.fetched: set[str] = set()
        self.url = f"http://127.0.0.1:{self.server_address[1]}"


class Answers(BaseHTTPRequestHandler):
    server: Hub

    def do_GET(self) -> None:
        self._answer()

    def do_HEAD(self) -> None:
        self._answer()

    def log_message(self, *_: object) -> None:
        pass

    def _answer(self) -> None:
        path = self.path.partition("?")[0]
        files = self.server.files
        resolved = re.fullmatch(rf"/demo/pets/resolve/{REVISION}/(.+)", path)
        if self.headers["Authorization"] != "Bearer hf_secret":
            self._send(401, b"")
        elif resolved and resolved[1] in files:
            if self.command == "GET":
                self.server.fetched.add(resolved[1])
            self._send(200, files[resolved[1]])
        elif path == f"/api/models/demo/pets/tree/{REVISION}":
            tree = [
                {"type": "file", "path": name, "size": len(content), "oid": f"{index:040x}"}
                for index, (name, content) in enumerate(files.items())
            ]
            self._send(200, json.dumps(tree).encode())
        elif path == f"/api/models/demo/pets/revision/{REVISION}":
            siblings = [{"rfilename": name} for name in files]
            info = {"id": "demo/pets", "sha": REVISION, "siblings": siblings}
            self._send(200, json.dumps(info).encode())
        else:
            self._send(404, b"")

    def _send(self, status: int, content: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("ETag", f'"{hash(content):x}"')
        self.send_header("X-Repo-Commit", REVISION)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(content)


@pytest.fixture
def open_hub() -> Iterator[Callable[[Path], Hub]]:
    hubs: list[Hub] = []

    def start(folder: Path) -> Hub:
        hubs.append(Hub(folder))
        threading.Thread(target=hubs[-1].serve_forever, daemon=True).start()
        return hubs[-1]

    yield start
    for hub in hubs:
        hub.shutdown()
        hub.server_close()


@pytest.fixture
def space(tmp_path: Path) -> Path:
    """The app's folder as the pusher leaves it."""
    folder = tmp_path / "space"
    shutil.copytree(APP, folder, ignore=shutil.ignore_patterns("__pycache__"))
    named = {"repo_id": "demo/pets", "revision": REVISION, "tag": "v-1"}
    (folder / "model.json").write_text(json.dumps(named))
    return folder


def python_with(requirements: str, folder: Path) -> str:
    """The Python of a new environment with the requirements and nothing else."""
    quiet = {"check": True, "capture_output": True, "text": True}
    subprocess.run([UV, "venv", "--python", sys.executable, str(folder)], **quiet)
    python = str(folder / "bin/python")
    install = [UV, "pip", "install", "--python", python, "-r", str(APP / requirements)]
    subprocess.run(install, **quiet)
    return python


def ask(space: Path, python: str, hub: Hub, images: list[Path]) -> list[np.ndarray]:
    """The masks that a Space gives, asked all at once; it asks nobody but the Hub."""
    environment = {"HF_ENDPOINT": hub.url, "HF_TOKEN": "hf_secret"}
    with running_app([python, "app.py"], space, **environment) as running:
        client = Client(running.url, verbose=False, download_files=space / "answers")
        jobs = [client.submit(handle_file(image), api_name="/segment") for image in images]
        masks = [np.asarray(Image.open(job.result()[0])) for job in jobs]
        assert f"{hub.url}/demo/pets/tree/{REVISION}" in json.dumps(client.config)
        assert not running.asked_outside()
    return masks


@pytest.fixture
def images(tmp_path: Path) -> list[Path]:
    paths = [tmp_path / f"photo-{index}.jpg" for index in range(8)]
    for index, path in enumerate(paths):
        path.write_bytes(scenes.draw(seed=23, index=index).jpeg())
    return paths


def test_a_lite_model_needs_no_tensorflow(
    space: Path, lite_folder: Path, model_folder: Path, open_hub, images: list[Path], tmp_path: Path
) -> None:
    both = tmp_path / "both"
    shutil.copytree(model_folder, both)
    shutil.copy(lite_folder / "model.tflite", both)
    hub = open_hub(both)
    python = python_with("requirements-litert.txt", tmp_path / "venv")
    assert subprocess.run([python, "-c", "import tensorflow"], capture_output=True).returncode
    for image, mask in zip(images, ask(space, python, hub, images), strict=True):
        np.testing.assert_array_equal(mask, read_image(image.read_bytes()).pixels.argmax(axis=-1))
    assert hub.fetched == {"model.tflite", "assets.extra/provenance.json"}


def test_a_saved_model_needs_no_repository(
    space: Path, model_folder: Path, open_hub, images: list[Path], tmp_path: Path, serve: Serve
) -> None:
    hub = open_hub(model_folder)
    python = python_with("requirements-tensorflow.txt", tmp_path / "venv")
    for image, mask in zip(images, ask(space, python, hub, images), strict=True):
        png, _ = serve(image.read_bytes())
        np.testing.assert_array_equal(mask, np.asarray(Image.open(io.BytesIO(png))))
    assert {"saved_model.pb", "variables/variables.index"} < hub.fetched
    assert not {"README.md", "from_examples.bin"} & hub.fetched


@pytest.mark.parametrize(("token", "up"), [("hf_wrong", True), ("hf_secret", True), ("any", False)])
def test_a_model_that_is_not_handed_out_is_named(
    space: Path, model_folder: Path, open_hub, token: str, up: bool
) -> None:
    named = {"repo_id": "demo/pets", "revision": "f" * 40, "tag": "v-1"}
    (space / "model.json").write_text(json.dumps(named))
    endpoint = open_hub(model_folder).url if up else "http://127.0.0.1:1"
    environment = {**os.environ, "HF_ENDPOINT": endpoint, "HF_TOKEN": token}
    done = subprocess.run(
        [sys.executable, "app.py"], cwd=space, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 1
    assert f"demo/pets at revision {'f' * 40} cannot be downloaded from {endpoint}" in done.stderr
    assert "Traceback" not in done.stderr


def test_without_a_model_the_option_is_named(space: Path) -> None:
    (space / "model.json").unlink()
    done = subprocess.run([sys.executable, "app.py"], cwd=space, capture_output=True, text=True)
    assert done.returncode == 2
    assert "there is no model.json beside app.py: name a model folder with --model" in done.stderr


@pytest.mark.parametrize("runtime", ["tensorflow", "litert"])
def test_the_requirements_are_those_that_the_project_is_tested_with(runtime: str) -> None:
    lines = (APP / f"requirements-{runtime}.txt").read_text().splitlines()
    pinned = dict(line.split("==") for line in lines if not line.startswith("#"))
    locked = tomllib.loads((REPOSITORY / "uv.lock").read_text())["package"]
    versions = {package["name"]: package.get("version") for package in locked}
    versions["ai-edge-litert"] = pinned.get("ai-edge-litert")  # the pipeline does not use it
    assert pinned == {name: versions[name] for name in pinned}
    assert {"gradio", "huggingface-hub", "numpy", "pillow"} < set(pinned)


def test_the_front_page_is_a_spaces() -> None:
    card = SpaceCard.load(APP / "README.md").data
    pins = (APP / "requirements-litert.txt").read_text()
    assert (card.sdk, card.app_file, card.python_version) == ("gradio", "app.py", "3.11")
    assert f"gradio=={card.sdk_version}\n" in pins
    assert (APP / card.app_file).exists()
    assert card.pinned is False
