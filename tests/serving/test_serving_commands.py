"""The commands of docs/serving.md and `make serve-tfserving`, on the emulator of the binary."""

import json
import subprocess
from pathlib import Path

from serving import config
from tests.conftest import REPOSITORY, Workplace
from tests.pages import blocks, typed
from tests.ports import free_ports
from tests.serving.processes import install_binary, running

SERVE, ASK = (
    typed(block.text)
    for block in blocks("docs/serving.md", "bash")
    if block.heading == "TensorFlow Serving"
)
[BACK] = [
    typed(block.text) for block in blocks("docs/rollback.md", "bash") if "serving" in block.text
]


def test_the_page(workplace: Workplace, pushed: Path, photo: Path) -> None:
    """In the folder that holds output/scenes/serving and photo.jpg; on free ports."""
    rest, grpc = free_ports(2)
    install_binary(workplace.folder / "bin")
    environment = workplace.environment(PYTHONPATH=REPOSITORY, SERVING_DIR="")
    environment["PATH"] = f"{workplace.folder}/bin:{environment['PATH']}"
    address = f"--url http://127.0.0.1:{rest}"
    serve = SERVE.replace("serving config", f"serving config {address}")
    serve = serve.replace("serving start", f"serving start --rest-port {rest} --grpc-port {grpc}")
    ask = ASK.replace("photo.jpg --", f"photo.jpg {address} --").replace("8501", str(rest))
    command = ["bash", "-c", f"set -e; cd {workplace.folder}\n{serve}"]
    with running(command, rest, environment):
        done = subprocess.run(
            ["bash", "-ec", ask],
            cwd=workplace.folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=300,
        )
        assert done.returncode == 0, done.stderr
    assert "class 2: 100.0%" in done.stdout
    assert "requests answered │ 200" in done.stdout
    [row] = json.loads(done.stdout[done.stdout.index("{") :])["predictions"]
    assert row["class_fractions"] == [0.0, 0.0, 1.0]
    assert (workplace.folder / "mask.png").read_bytes().startswith(b"\x89PNG")


def test_make_serve_tfserving(workplace: Workplace, pushed: Path) -> None:
    """With a docker that says what it was given."""
    docker = workplace.folder / "docker"
    docker.write_text('#!/bin/sh\necho "$SERVING_DIR" "$MODEL_NAME" "$@"\n')
    docker.chmod(0o755)
    environment = workplace.environment(SERVING_DIR=f"{pushed}/../serving")
    environment["PATH"] = f"{workplace.folder}:{environment['PATH']}"
    done = subprocess.run(
        ["make", "--no-print-directory", "--assume-old=.venv/installed", "serve-tfserving"],
        cwd=REPOSITORY,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith(
        f"{pushed} scenes compose --file {REPOSITORY}/serving/compose.yaml up\n"
    )
    model = config.read(pushed, "scenes")
    assert model is not None and model.base_path == str(pushed)


def test_back_to_an_earlier_version(workplace: Workplace, pushed: Path) -> None:
    done = workplace.run(
        f"set -e; cd {workplace.folder}\n{BACK}", PYTHONPATH=REPOSITORY, SERVING_DIR="", VERSION=1
    )
    assert done.returncode == 0, done.stderr
    model = config.read(pushed, "scenes")
    assert model is not None and dict(model.version_labels) == {"stable": 1}
