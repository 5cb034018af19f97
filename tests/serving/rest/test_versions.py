"""Versions come, go and fail, and labels move, while clients ask."""

import asyncio
import shutil
import threading
from collections.abc import Callable
from pathlib import Path

import httpx2
import pytest

from serving import config, rollout
from serving.client import RestClient
from serving.errors import ServingError
from serving.gateway.gateway import Gateway
from serving.gateway.limits import Limits
from serving.gateway.traffic import Traffic
from serving.gateway.versions import ServedModel
from serving.rest.app import ROUTES, make_app
from tests.serving.conftest import MODEL, encode
from tests.serving.own_server import Running, wait_for
from tests.serving.tiny_models import give_provenance, push_tiny

GOOD = encode(40, 60)


def answer_of(server: Running, path: str = f"/v1/models/{MODEL}") -> int:
    """The class that a version sees everywhere, which tells which version it is."""
    answer = server.ask([GOOD], f"{path}:predict")
    assert answer.status_code == 200, answer.text
    [row] = answer.json()["predictions"]
    return row["class_fractions"].index(1)


def test_until_a_model_is_loaded_the_server_lives_and_is_not_ready(pushed: Path) -> None:
    model = ServedModel(MODEL, pushed, tell=lambda said: None)
    app = make_app(Gateway({MODEL: model}, Limits(), Traffic()), ROUTES)
    paths = ("/livez", "/readyz", f"/v1/models/{MODEL}/metadata", f"/v1/models/{MODEL}")

    async def ask() -> list[int]:
        transport = httpx2.ASGITransport(app=app)
        async with httpx2.AsyncClient(transport=transport, base_url="http://x") as client:
            return [(await client.get(path)).status_code for path in paths]

    assert asyncio.run(ask()) == [200, 503, 503, 404]
    model.refresh()
    assert asyncio.run(ask()) == [200] * 4


def test_a_new_version_takes_over_and_no_request_fails(
    serve: Callable[..., Running], pushed: Path
) -> None:
    server = serve(pushed)
    found: list[int] = []
    ended = threading.Event()

    def ask() -> None:
        while not ended.wait(0.01):
            found.append(answer_of(server))

    clients = [threading.Thread(target=ask) for _ in range(2)]
    for client in clients:
        client.start()
    push_tiny(pushed, 10, answer=0)
    wait_for(lambda: 0 in found)
    ended.set()
    for client in clients:
        client.join()
    assert set(found) == {2, 0}
    assert found[-1] == 0 and answer_of(server) == 0
    assert server.told == [
        f"{MODEL}: serves version 2 (stable).",
        f"{MODEL}: serves version 10 (stable).",
    ]
    assert server.get(f"/v1/models/{MODEL}/versions/2").status_code == 404


def test_a_version_that_does_not_load_changes_nothing(
    serve: Callable[..., Running], pushed: Path
) -> None:
    server = serve(pushed)
    (pushed / "3").mkdir()
    (pushed / "3" / "saved_model.pb").write_bytes(b"no model")
    wait_for(lambda: len(server.told) == 2)
    told = server.told[1]
    assert "version 3" in told and "no whole SavedModel" in told and told.endswith("Served are: 2.")
    assert answer_of(server) == 2
    states = server.get(f"/v1/models/{MODEL}").json()["model_version_status"]
    assert [(one["version"], one["state"]) for one in states] == [("3", "END"), ("2", "AVAILABLE")]
    (pushed / "4").mkdir()  # a push that is not whole yet
    shutil.rmtree(pushed / "3")
    shutil.copytree(pushed / "1", pushed / "3")
    wait_for(lambda: answer_of(server) == 1)
    assert server.told[2:] == [f"{MODEL}: serves version 3 (stable)."]


def test_labels_move_as_they_do_with_tensorflow_serving(
    serve: Callable[..., Running], pushed: Path
) -> None:
    config.write(pushed, config.build(pushed, MODEL, {1}, {"stable": 1}))
    server = serve(pushed)
    assert answer_of(server) == 1
    client = RestClient(server.url, MODEL, "")
    assert rollout.roll_out(pushed, MODEL, {"stable": 1, "canary": 2}, client, wait=30)
    wait_for(lambda: client.version_of("canary") == 2)
    assert answer_of(server, f"/v1/models/{MODEL}/labels/stable") == 1
    assert answer_of(server, f"/v1/models/{MODEL}/labels/canary") == 2
    (pushed / config.FILE).write_text("no config")
    wait_for(lambda: "is no model config" in server.told[-1])
    assert answer_of(server, f"/v1/models/{MODEL}/labels/stable") == 1
    # A label that is to name what does not load stays where it is.
    (pushed / "3").mkdir()
    (pushed / "3" / "saved_model.pb").write_bytes(b"no model")
    with pytest.raises(ServingError, match="did not load 3"):
        rollout.roll_out(pushed, MODEL, {"stable": 3}, client, wait=2)
    assert answer_of(server, f"/v1/models/{MODEL}/labels/stable") == 1


def test_a_model_of_another_task(serve: Callable[..., Running], pushed: Path) -> None:
    give_provenance(pushed / "2", "scenes")
    server = serve(pushed, task="segmentation")
    shutil.copytree(pushed / "1", pushed / "3")
    give_provenance(pushed / "3", "cifar10")
    wait_for(lambda: len(server.told) == 2)
    assert "a model of classification, and segmentation is served" in server.told[1]
    assert answer_of(server) == 2
    assert 'class="border"' in server.get("/metrics").text


def test_a_model_by_itself(serve: Callable[..., Running], pushed: Path) -> None:
    server = serve(pushed / "1")
    assert answer_of(server, f"/v1/models/{MODEL}/versions/1") == 1
