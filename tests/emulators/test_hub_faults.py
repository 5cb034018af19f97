"""What goes wrong on demand at the Hub's emulator, and what its state survives."""

import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

import httpx2
import pytest
from huggingface_hub import HfApi
from huggingface_hub.errors import HfHubHTTPError

from tests.conftest import REPOSITORY
from tests.emulators.hub import FolderInUse, HubEmulator
from tests.emulators.publishing import LARGE, MODEL, TOKEN, WEIGHTS, publish, sent, status_of

COMMIT = "*/commit/*"
# What a client process does until it is killed.
TAG = """
import sys
from huggingface_hub import HfApi
HfApi(endpoint=sys.argv[1], token=sys.argv[2]).create_tag("demo/pets", tag="v1")
"""


@pytest.mark.parametrize(
    ("status", "headers", "wait"),
    [
        (429, {"Retry-After": "7"}, 8),
        (429, {"ratelimit": '"api";r=0;t=55'}, 56),
        (503, {}, 1),
        (500, {}, 1),
    ],
)
def test_client_waits_and_tries_again(hub, api, waits, status, headers, wait):
    fault = hub.fault("answer", path="*/preupload/*", status=status, headers=headers)
    publish(api, MODEL)
    assert waits == [wait] and fault.reached.is_set()
    tries = [request for request in hub.requests if "preupload" in request.path]
    assert [request.status for request in tries] == [status, 200]
    assert hub.tree("models", "demo/pets")["config.json"] == b"{}"


def test_request_that_is_not_tried_again(hub, api):
    publish(api, MODEL)
    hub.fault("answer", method="POST", path="*/tag/*", status=500)
    with pytest.raises(HfHubHTTPError) as error:
        api.create_tag("demo/pets", tag="v1")
    assert status_of(error) == 500 and hub.tags("models", "demo/pets") == {}
    api.create_tag("demo/pets", tag="v1")


@pytest.mark.parametrize(("kind", "commits"), [("close_before", 1), ("close_after", 2)])
def test_connection_closed_at_a_commit(hub, api, kind, commits):
    hub.fault(kind, path=COMMIT)
    with pytest.raises(httpx2.RemoteProtocolError):
        publish(api, {**MODEL, "model.tflite": WEIGHTS})
    assert len(hub.commits("models", "demo/pets")) == commits
    assert hub.requests[-1].path.endswith("/commit/main") and hub.requests[-1].status is None
    publish(api, {**MODEL, "model.tflite": WEIGHTS})  # done already, or done now
    assert len(hub.commits("models", "demo/pets")) == 2
    assert sent(hub, "PUT", "/lfs-objects/") == 1


@pytest.mark.parametrize("kind", ["close_before", "close_after"])
@pytest.mark.parametrize("method", ["PUT", "POST"])
def test_connection_closed_during_an_upload(hub, api, waits, kind, method):
    fault = hub.fault(kind, method=method, path="/lfs-objects/*")
    publish(api, {"model.tflite": LARGE})
    assert hub.content("models", "demo/pets", "main", "model.tflite") == LARGE
    assert fault.reached.is_set() and len(waits) == 1


def test_which_request_is_struck(hub, api):
    api.create_repo("demo/pets")
    first = len(hub.requests)
    hub.fault("answer", at=2, times=2, method="GET", status=418)
    hub.fault("answer", when=lambda request: request.received_bytes > 100, status=413)
    for method, content in (
        ("GET", b""),
        ("POST", b"x"),
        ("GET", b""),
        ("GET", b""),
        ("GET", b""),
        ("POST", b"x" * 101),
        ("POST", b"x" * 101),
    ):
        httpx2.request(method, f"{hub.endpoint}/api/models/demo/pets/refs", content=content)
    requests = hub.requests[first:]
    assert [request.status for request in requests] == [200, 404, 418, 418, 200, 413, 404]
    assert [request.number for request in requests] == list(range(first + 1, first + 8))


@pytest.mark.parametrize(("kind", "tags"), [("stall_before", []), ("stall_after", ["v1"])])
def test_client_is_killed_during_a_stall(hub, api, kind, tags):
    publish(api, MODEL)
    fault = hub.fault(kind, path="*/tag/*")
    client = subprocess.Popen([sys.executable, "-c", TAG, hub.endpoint, TOKEN])
    assert fault.reached.wait(60)
    client.send_signal(signal.SIGKILL)
    assert client.wait() == -signal.SIGKILL
    assert fault.ended.wait(60)
    assert list(hub.tags("models", "demo/pets")) == tags
    assert hub.requests[-1].status is None


@pytest.mark.parametrize("kind", ["stall_before", "stall_after"])
def test_stall_is_released(hub, api, kind):
    publish(api, MODEL)
    fault = hub.fault(kind, path="*/tag/*")
    client = threading.Thread(target=api.create_tag, args=("demo/pets",), kwargs={"tag": "v1"})
    client.start()
    assert fault.reached.wait(60)
    assert bool(hub.tags("models", "demo/pets")) == (kind == "stall_after")
    fault.release()
    client.join()
    assert list(hub.tags("models", "demo/pets")) == ["v1"]


def test_body_that_does_not_come(hub, api):
    publish(api, MODEL)
    host, port = hub.endpoint.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as connection:
        connection.sendall(
            b"POST /api/models/demo/pets/tag/main HTTP/1.1\r\nAuthorization: Bearer "
            + TOKEN.encode()
            + b'\r\nContent-Length: 100\r\n\r\n{"tag": "v1"}'
        )
        connection.shutdown(socket.SHUT_WR)
        assert connection.recv(1) == b""
    assert hub.tags("models", "demo/pets") == {}


# The state on disk


def test_state_is_gone_on_with(tmp_path):
    files = {**MODEL, "model.tflite": WEIGHTS}
    with HubEmulator(tmp_path, users={"demo": TOKEN}) as hub:
        api = HfApi(endpoint=hub.endpoint, token=TOKEN)
        commit = publish(api, files)
        api.create_tag("demo/pets", tag="v1")
        api.create_repo("demo/app", repo_type="space", space_sdk="gradio")
        api.add_space_secret("demo/app", "KEY", "value")
        port = int(hub.endpoint.rsplit(":", 1)[1])
        secrets, tree = hub.secrets("demo/app"), hub.tree("models", "demo/pets")
    with HubEmulator(tmp_path, port, users={"demo": TOKEN}) as hub:
        assert hub.tags("models", "demo/pets") == {"v1": commit}
        assert (hub.secrets("demo/app"), hub.tree("models", "demo/pets")) == (secrets, tree)
        assert api.whoami()["name"] == "demo"
        assert publish(api, files) == commit
        assert sent(hub, "PUT", "/lfs-objects/") == 0
        publish(api, {"model.tflite": b"new"})
        assert len(hub.commits("models", "demo/pets")) == 3


def test_folder_is_one_emulators(hub):
    folder = hub.store.files.folder
    with pytest.raises(FolderInUse, match=f"Another Hub emulator is using {folder}"):
        HubEmulator(folder)


def test_closed_emulator_answers_nothing(tmp_path):
    with HubEmulator(tmp_path, users={"demo": TOKEN}) as hub:
        api = HfApi(endpoint=hub.endpoint, token=TOKEN)
        api.whoami()
    with pytest.raises((httpx2.NetworkError, httpx2.RemoteProtocolError)):
        api.create_repo("demo/pets")
    assert not hub.exists("models", "demo/pets")


def test_killed_emulator_leaves_a_readable_state(tmp_path, waits):
    command = [sys.executable, "-m", "tests.emulators.hub", "--state", str(tmp_path), "--port", "0"]
    server = subprocess.Popen(
        command, cwd=REPOSITORY, env={"HF_TOKEN": TOKEN}, stdout=subprocess.PIPE, text=True
    )
    endpoint = server.stdout.readline().split()[5].rstrip(";")
    api = HfApi(endpoint=endpoint, token=TOKEN)
    known = [publish(api, {"config.json": b"first"})]
    killer = threading.Timer(0.3, server.kill)
    killer.start()
    with pytest.raises((httpx2.NetworkError, httpx2.RemoteProtocolError, RuntimeError)):
        while True:
            number = b"%d" % len(known)
            known.append(publish(api, {"config.json": number, "model.tflite": number * 300}))
    server.wait()
    server.stdout.close()
    with HubEmulator(tmp_path) as hub:
        commits = hub.commits("models", "demo/pets")
        # The last commit may have been made without its answer coming through.
        assert [commit.id for commit in reversed(commits)][1 : len(known) + 1] == known
        for commit in commits:
            assert len(hub.tree("models", "demo/pets", commit.id)) in (1, 2, 3)
        assert list((Path(tmp_path) / "incoming").iterdir()) == []
