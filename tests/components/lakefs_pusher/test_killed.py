"""A push that is killed at any request: main is whole, and the next one completes it."""

import multiprocessing
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.components.lakefs_pusher.conftest import REPOSITORY, push_to, set_keys, write_model
from tests.emulators.lakefs import LakeFSEmulator
from tests.emulators.s3 import S3Server


@pytest.fixture(scope="module")
def context() -> Iterator[Any]:
    """Starts processes from one that has imported the pusher before."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.components.lakefs_pusher.conftest"])
    yield context


def push(endpoint: str, namespace: str, model: Path) -> None:
    """What the pusher's process does."""
    set_keys(os.environ.__setitem__)
    push_to(endpoint, namespace, model, "Trainer/2")


def outcome(lakefs: LakeFSEmulator) -> dict[str, Any]:
    """All that is in the repository, but for the ids of commits, which hold their time."""
    titles = {one["id"]: one["message"] for one in lakefs.commits(REPOSITORY)}
    return {
        "content": lakefs.content(REPOSITORY),
        "commits": list(titles.values()),
        "tags": {tag: titles[one] for tag, one in lakefs.tags(REPOSITORY).items()},
        "branches": {name: titles[one] for name, one in lakefs.branches(REPOSITORY).items()},
    }


def main_of(lakefs: LakeFSEmulator) -> dict[str, bytes]:
    """What main holds; nothing where there is no repository yet."""
    try:
        return lakefs.content(REPOSITORY)
    except KeyError:
        return {}


@pytest.mark.slow
@pytest.mark.parametrize("fresh", [True, False], ids=["new", "pushed before"])
def test_killed_at_every_request_in_turn(
    context: Any, tmp_path: Path, s3: S3Server, namespace: str, fresh: bool
) -> None:
    before, model = tmp_path / "before", write_model(tmp_path / "model")
    with LakeFSEmulator(before, s3) as lakefs:
        if not fresh:
            push_to(lakefs.endpoint, namespace, model)
        old = main_of(lakefs)
    write_model(model, weights=b"better")

    def prepared(name: str) -> LakeFSEmulator:
        return LakeFSEmulator(Path(shutil.copytree(before, tmp_path / name)), s3)

    with prepared("undisturbed") as lakefs:
        push_to(lakefs.endpoint, namespace, model, "Trainer/2")
        expected, requests = outcome(lakefs), len(lakefs.requests)
    assert list(expected["branches"]) == ["main"]
    # What a push that is killed before a request leaves is what one leaves after that before it.
    moments = [("stall_before", 1), *(("stall_after", n) for n in range(1, requests + 1))]
    for moment, number in moments:
        where = f"killed at request {number}, {moment}"
        with prepared(f"{number}-{moment}") as lakefs:
            fault = lakefs.fault(moment, at=number)
            pusher = context.Process(target=push, args=(lakefs.endpoint, namespace, model))
            pusher.start()
            assert fault.reached.wait(60), f"there was no request {number}"
            pusher.kill()
            pusher.join()
            assert main_of(lakefs) in (old, expected["content"]), where
            push_to(lakefs.endpoint, namespace, model, "Trainer/2")
            assert outcome(lakefs) == expected, where
    assert requests > 15
