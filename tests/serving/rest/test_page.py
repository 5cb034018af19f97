"""The commands of docs/serving.md that need nothing but the project."""

import json
import subprocess
from pathlib import Path

from tests.conftest import REPOSITORY, Workplace
from tests.pages import blocks, typed
from tests.ports import free_ports
from tests.serving.processes import running
from tests.serving.tiny_models import give_provenance

PAGE = blocks("docs/serving.md", "bash")
SERVE, ASK = (typed(block.text) for block in PAGE if block.heading == "The server")
[PREDICT] = [typed(block.text) for block in PAGE if block.heading == "Without a server"]


def run(workplace: Workplace, commands: str) -> str:
    """Runs commands in the folder that holds output/scenes/serving and photo.jpg."""
    done = subprocess.run(
        ["bash", "-ec", commands],
        cwd=workplace.folder,
        env=workplace.environment(PYTHONPATH=REPOSITORY, SERVING_DIR=""),
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_server(workplace: Workplace, pushed: Path, photo: Path) -> None:
    """On a free port."""
    [port] = free_ports(1)
    serve = SERVE.replace("visionpipe serve", f"visionpipe serve --port {port}")
    ask = ASK.replace("--check", f"--port {port} --check").replace("8501", str(port))
    environment = workplace.environment(PYTHONPATH=REPOSITORY, SERVING_DIR="")
    command = ["bash", "-ec", f"cd {workplace.folder}\n{serve}"]
    with running(command, port, environment):
        printed = run(
            workplace, f"until curl -sf localhost:{port}/readyz; do sleep 0.1; done\n{ask}"
        )
    assert "class 2: 100.0%" in printed
    [row] = json.loads(printed.splitlines()[-1])["predictions"]
    assert row["class_fractions"] == [0, 0, 1]


def test_without_a_server(workplace: Workplace, pushed: Path, photo: Path) -> None:
    give_provenance(pushed / "2", "scenes")
    assert run(workplace, PREDICT).startswith(
        "Answered by output/scenes/serving/2: 1 of 1; results"
    )
    assert (workplace.folder / "results" / "masks" / "photo.png").exists()
