"""A pusher that is killed at any request: the next one ends as if nothing had happened."""

import json
import multiprocessing
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.components.hf_pusher.conftest import MODEL, TOKEN, publish_to, write_model
from tests.emulators.hub import HubEmulator, Limits

SETTINGS = {"hf_space_variables": {"GREETING": "hello"}, "hf_space_secrets": {"KEY": "HF_TOKEN"}}


@pytest.fixture(scope="module")
def context() -> Iterator[Any]:
    """Starts processes from one that has imported the publisher before."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.components.hf_pusher.conftest"])
    yield context


@pytest.fixture(autouse=True)
def token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", TOKEN)


def emulator(folder: Path) -> HubEmulator:
    hub = HubEmulator(folder, limits=Limits(regular_bytes=50_000))
    hub.add_token(TOKEN, user="demo")
    return hub


def push(endpoint: str, model: Path, folder: Path) -> None:
    """What the pusher's process does."""
    os.environ["HF_TOKEN"] = TOKEN
    publish_to(endpoint, model, folder, **SETTINGS)


def outcome(hub: HubEmulator) -> dict[str, Any]:
    """All that is on the Hub, but for the hashes of commits, which hold their time."""
    found: dict[str, Any] = {"secrets": hub.secrets(MODEL)}
    for kind in ("models", "spaces"):
        tree = hub.tree(kind, MODEL)
        revisions = {commit.id: commit.title for commit in hub.commits(kind, MODEL)}
        if kind == "spaces":
            pin = json.loads(tree.pop("model.json"))
            assert pin["revision"] == hub.tags("models", MODEL)[pin["tag"]]
            found["pinned"] = pin["tag"]
        found[kind] = {
            "tree": tree,
            "commits": list(revisions.values()),
            "tags": {tag: revisions[commit] for tag, commit in hub.tags(kind, MODEL).items()},
        }
    return found


@pytest.mark.parametrize("fresh", [True, False], ids=["new", "published before"])
def test_killed_at_every_request_in_turn(context: Any, tmp_path: Path, fresh: bool) -> None:
    before = tmp_path / "before"
    before.mkdir()
    if not fresh:
        with emulator(before) as hub:
            publish_to(hub.endpoint, write_model(tmp_path / "model"), tmp_path, **SETTINGS)

    def prepared(name: str) -> HubEmulator:
        return emulator(Path(shutil.copytree(before, tmp_path / name)))

    def changed() -> Path:
        return write_model(tmp_path / "model", weights=b"newer" * 20_000)

    with prepared("undisturbed") as hub:
        publish_to(hub.endpoint, changed(), tmp_path, **SETTINGS)
        expected, requests = outcome(hub), len(hub.requests)
    assert expected["models"]["commits"][0] == f"Publish {expected['pinned']}"

    # What a pusher that is killed before a request leaves is what one leaves after that before it.
    moments = [("stall_before", 1), *(("stall_after", n) for n in range(1, requests + 1))]
    for moment, number in moments:
        with prepared(f"{number}-{moment}") as hub:
            fault = hub.fault(moment, at=number)
            pusher = context.Process(target=push, args=(hub.endpoint, changed(), tmp_path))
            pusher.start()
            assert fault.reached.wait(30), f"there was no request {number}"
            pusher.kill()
            pusher.join()
            publish_to(hub.endpoint, changed(), tmp_path, **SETTINGS)
            assert outcome(hub) == expected, f"killed at request {number}, {moment}"
    assert requests > 15
