"""Runs notebooks as JupyterLab does, each in a place of its own."""

import json
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import nbformat
import pytest
from nbclient import NotebookClient

from tests.conftest import REPOSITORY, Workplace
from tests.warm.commands import python

if TYPE_CHECKING:
    from tests.emulators.model_server import ServingEmulator

_NOT_SHARED = ("notebooks", "data", "output", ".git", ".env")


@dataclass(frozen=True)
class Shown:
    """What a notebook showed.

    Attributes:
        text: all text and HTML of all cells.
        pictures: how many there were.
    """

    text: str
    pictures: int


Run = Callable[..., Shown]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """The repository, but for what a user has made in it; notebooks write to it."""
    folder = tmp_path / "repository"
    folder.mkdir()
    for path in REPOSITORY.iterdir():
        if path.name not in _NOT_SHARED:
            (folder / path.name).symlink_to(path)
    shutil.copytree(REPOSITORY / "notebooks", folder / "notebooks")
    return folder


@pytest.fixture
def run(checkout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs a notebook from top to bottom in a kernel that has imported TFX."""
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(tmp_path / "jupyter"))
    spec = tmp_path / "jupyter" / "kernels" / "python3" / "kernel.json"
    spec.parent.mkdir(parents=True)
    # A kernel ends when its parent is not the process of this number, which here is no parent.
    command = ["env", "--unset=JPY_PARENT_PID", python()]
    arguments = ["-m", "ipykernel_launcher", "-f", "{connection_file}"]
    told = {"argv": command + arguments, "display_name": "Python", "language": "python"}
    spec.write_text(json.dumps(told))

    def run(name: str, **environment: object) -> Shown:
        path = checkout / "notebooks" / f"{name}.ipynb"
        notebook = nbformat.read(path, as_version=4)
        client = NotebookClient(
            notebook,
            timeout=900,
            kernel_name="python3",
            resources={"metadata": {"path": str(path.parent)}},
        )
        settings = {"HOME": str(tmp_path)} | {key: str(value) for key, value in environment.items()}
        client.execute(env=os.environ | settings)
        return _shown(notebook)

    return run


def _shown(notebook: nbformat.NotebookNode) -> Shown:
    texts, pictures = [], 0
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            texts += [output.get("text", ""), data.get("text/plain", ""), data.get("text/html", "")]
            pictures += "image/png" in data
    return Shown("\n".join(texts), pictures)


@pytest.fixture
def of_the_run(trained: Workplace, drawn_pets: Path) -> dict[str, object]:
    """The settings of who has run the pipeline."""
    return {
        "PIPELINE_ROOT": trained.pipeline_root,
        "SERVING_DIR": trained.serving_dir,
        "DATA_ROOT": drawn_pets,
    }


@pytest.fixture
def server(trained: Workplace, tmp_path: Path) -> Iterator["ServingEmulator"]:
    """A server of the pushed model."""
    from serving import config
    from tests.emulators.model_server import ServingEmulator

    *_, newest = map(int, (path.name for path in trained.pushed()))
    built = config.build(trained.serving_dir, "scenes", {newest}, {"stable": newest})
    config.write(tmp_path, built)
    with ServingEmulator(tmp_path / config.FILE) as server:
        yield server
