"""The Hub emulator's command line, and the pages it serves."""

import json
import os
import signal
import subprocess
import sys

import httpx2
import pytest

from tests.conftest import REPOSITORY
from tests.emulators.hub import HubEmulator
from tests.emulators.publishing import MODEL, WEIGHTS, publish

ENVIRONMENT = (
    "import json, os; print(json.dumps({k: v for k, v in os.environ.items() if k[:3] == 'HF_'}))"
)
# A command that can be interrupted once it has said so, and says by what it was.
INTERRUPTIBLE = """
import signal, sys
def end(number, frame):
    print(signal.Signals(number).name, flush=True)
    sys.exit(3)
signal.signal(signal.SIGINT, end)
signal.signal(signal.SIGTERM, end)
print("ready", flush=True)
while True:
    signal.pause()
"""


def start(tmp_path, *command: str, port: int = 0, **settings: str) -> subprocess.Popen[str]:
    line = ["-m", "tests.emulators.hub", "--state", str(tmp_path / "hub"), "--port", str(port)]
    return subprocess.Popen(
        [sys.executable, *line, *(["--", *command] if command else [])],
        cwd=REPOSITORY,
        env={**os.environ, **settings},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_environment_of_the_command(tmp_path):
    settings = {"HF_HUB_OFFLINE": "1", "HF_OIDC_RESOURCE": "demo/pets", "HF_TOKEN": "hf_real"}
    tokens = []
    for _ in range(2):
        output, _ = start(tmp_path, sys.executable, "-c", ENVIRONMENT, **settings).communicate()
        seen = json.loads(output)
        assert seen["HF_ENDPOINT"].startswith("http://127.0.0.1:")
        assert (seen["HF_HUB_DISABLE_XET"], seen["HF_HUB_DISABLE_TELEMETRY"]) == ("1", "1")
        assert not {"HF_HUB_OFFLINE", "HF_OIDC_RESOURCE"} & set(seen)
        tokens.append(seen["HF_TOKEN"])
    assert len({*tokens, "hf_real"}) == 3


def test_command_talks_to_the_emulator(tmp_path):
    program = (
        "from huggingface_hub import create_repo; print(create_repo('demo/pets', exist_ok=True))"
    )
    output, errors = start(tmp_path, sys.executable, "-c", program).communicate()
    assert output.strip().endswith("/demo/pets"), errors
    with HubEmulator(tmp_path / "hub") as hub:
        assert hub.exists("models", "demo/pets")


@pytest.mark.parametrize(
    ("program", "status"),
    [("import sys; sys.exit(5)", 5), ("import os; os.kill(os.getpid(), 9)", 128 + 9)],
)
def test_exit_status(tmp_path, program, status):
    process = start(tmp_path, sys.executable, "-c", program)
    process.communicate()
    assert process.returncode == status


def test_absent_command(tmp_path):
    process = start(tmp_path, "no-such-command")
    assert process.communicate()[1] == "no-such-command: No such file or directory\n"
    assert process.returncode == 127


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals_pass_through(tmp_path, number):
    process = start(tmp_path, sys.executable, "-c", INTERRUPTIBLE)
    assert process.stdout.readline() == "ready\n"
    process.send_signal(number)
    assert process.communicate() == (f"{number.name}\n", "")
    assert process.returncode == 3


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_serves_until_it_is_ended(tmp_path, number):
    process = start(tmp_path, HF_TOKEN="hf_mine")
    endpoint = process.stdout.readline().split()[5].rstrip(";")
    answer = httpx2.get(f"{endpoint}/api/whoami-v2", headers={"Authorization": "Bearer hf_mine"})
    assert answer.json()["name"] == "demo"
    process.send_signal(number)
    assert process.communicate() == ("", "")
    assert process.returncode == 0


def test_taken_port(tmp_path):
    with HubEmulator(tmp_path / "other") as other:
        port = int(other.endpoint.rsplit(":", 1)[1])
        process = start(tmp_path, sys.executable, "-c", ENVIRONMENT, port=port)
        output, errors = process.communicate()
    used = json.loads(output)["HF_ENDPOINT"]
    assert used != other.endpoint
    assert errors == (
        f"Port {port} cannot be had (Address already in use), "
        f"so the Hub emulator is at {used} instead.\n"
    )


def test_folder_in_use(hub, tmp_path):
    process = start(tmp_path, "true")
    assert process.communicate()[1] == f"Another Hub emulator is using {tmp_path / 'hub'}.\n"
    assert process.returncode == 1


def test_pages(hub, api):
    readme = b"---\nlicense: mit\n---\n# Pets <script>alert(1)</script>\n"
    commit = publish(api, {**MODEL, "README.md": readme, "a b&c.tflite": WEIGHTS})
    api.create_tag("demo/pets", tag="v1")
    url = str(api.create_repo("demo/app", repo_type="space", space_sdk="static"))
    for address in ("/demo/pets", "/demo/pets/tree/v1", f"/demo/pets/commit/{commit}"):
        answer = httpx2.get(f"{hub.endpoint}{address}")
        assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
        assert "# Pets &lt;script&gt;alert(1)&lt;/script&gt;" in answer.text
        assert (
            f'href="/demo/pets/resolve/{commit}/a%20b%26c.tflite">a b&amp;c.tflite<' in answer.text
        )
        assert '<a href="/demo/pets/tree/v1">v1</a>' in answer.text
        assert "<script" not in answer.text
    assert "sdk: static" in httpx2.get(url).text
