"""Labels move while requests are answered."""

import threading
from pathlib import Path

import pytest

from serving import config, rollout
from serving.client import RestClient
from serving.errors import ServingError
from tests.emulators.model_server import ServingEmulator
from tests.serving.tiny_models import push_tiny

MODEL = "scenes"


def answering(client: RestClient, photo: Path) -> int:
    """The version that answers: each says that all is of its own class."""
    [prediction] = client.predict([photo.read_bytes()])
    return prediction.class_fractions.index(1.0)


def stable_on_1(folder: Path) -> None:
    config.write(folder, config.build(folder, MODEL, {1}, {"stable": 1}))


def test_no_request_fails_while_stable_moves(pushed: Path, photo: Path) -> None:
    stable_on_1(pushed)
    with ServingEmulator(pushed / config.FILE) as server:
        stable = RestClient(server.url, MODEL)
        assert answering(stable, photo) == 1
        ended, versions = threading.Event(), []

        def ask() -> None:
            while not ended.is_set():
                versions.append(answering(stable, photo))

        asking = threading.Thread(target=ask)
        asking.start()
        client = RestClient(server.url, MODEL, label="")
        assert rollout.roll_out(pushed, MODEL, {"stable": 2}, client, wait=60)
        while client.version_of("stable") != 2 or client.versions()[1] != "END":
            pass
        ended.set()
        asking.join()
        assert answering(stable, photo) == 2
        assert server.refused == []
    assert versions == sorted(versions)  # also: no request failed, which ends the thread early


def test_a_config_that_moves_a_label_at_once_is_refused(pushed: Path) -> None:
    """What the rollout is for: the emulator keeps the server's rule."""
    stable_on_1(pushed)
    with ServingEmulator(pushed / config.FILE) as server:
        config.write(pushed, config.build(pushed, MODEL, {2}, {"stable": 2}))
        while not server.refused:
            pass
        client = RestClient(server.url, MODEL)
        assert client.version_of("stable") == 1
        assert 2 not in client.versions()
        # And it is no end: the next rollout asks the server what it has, not the file.
        rollout.roll_out(pushed, MODEL, {"stable": 2}, client, wait=60)
        while client.version_of("stable") != 2:
            pass


def test_the_server_refuses_labels_at_its_start_without_the_flag(pushed: Path) -> None:
    stable_on_1(pushed)
    with pytest.raises(Exception, match="not currently available for inference"):
        ServingEmulator(pushed / config.FILE, unavailable_labels=False)


def test_a_version_that_does_not_load_changes_nothing(pushed: Path, photo: Path) -> None:
    stable_on_1(pushed)
    with ServingEmulator(pushed / config.FILE) as server:
        (pushed / "3").mkdir()
        (pushed / "3" / "saved_model.pb").write_bytes(b"broken")
        before = (pushed / config.FILE).read_text()
        client = RestClient(server.url, MODEL, label="")
        with pytest.raises(ServingError, match="did not load 3 in 1 s .it says LOADING.*as before"):
            rollout.roll_out(pushed, MODEL, {"stable": 3}, client, wait=1)
        assert (pushed / config.FILE).read_text() == before
        assert answering(RestClient(server.url, MODEL), photo) == 1


def test_a_canary_beside_stable_and_back(pushed: Path, photo: Path) -> None:
    stable_on_1(pushed)
    with ServingEmulator(pushed / config.FILE) as server:
        client = RestClient(server.url, MODEL, label="")
        rollout.roll_out(pushed, MODEL, {"stable": 1, "canary": 2}, client, wait=60)
        while client.version_of("canary") is None:
            pass
        assert answering(RestClient(server.url, MODEL), photo) == 1
        assert answering(RestClient(server.url, MODEL, label="canary"), photo) == 2
        rollout.roll_out(pushed, MODEL, {"stable": 1}, client, wait=60)
        while client.version_of("canary") or client.versions()[2] != "END":
            pass
        assert client.versions()[1] == "AVAILABLE"
        assert server.refused == []


def test_what_is_pushed_meanwhile_is_not_served(pushed: Path, server: ServingEmulator) -> None:
    push_tiny(pushed, 3, answer=0)
    client = RestClient(server.url, MODEL)
    config.write(pushed, config.build(pushed, MODEL, {1, 2}, {"stable": 1}))
    while client.version_of("canary"):
        pass
    assert client.versions() == {1: "AVAILABLE", 2: "AVAILABLE"}
