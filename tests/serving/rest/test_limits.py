"""What a client may not do, and what the server goes on doing meanwhile."""

import asyncio
import json
import socket
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from serving.client import RestClient
from serving.errors import Kind, ServingError
from serving.gateway.batching import Batcher, Upload
from serving.gateway.limits import Limits, Refusal
from serving.rest import connection
from tests.serving.conftest import MODEL, encode
from tests.serving.own_server import Running, instance, wait_for

GOOD = encode(40, 60)
POST = f"POST /v1/models/{MODEL}:predict HTTP/1.1\r\nHost: x\r\n".encode()


class SlowModel:
    """A model that answers when it is let to."""

    def __init__(self) -> None:
        self.may = threading.Event()
        self.batches: list[list[bytes]] = []

    def __call__(self, files: Sequence[bytes]) -> list[str]:
        self.batches.append(list(files))
        self.may.wait()
        return [file.decode() for file in files]


def test_what_comes_meanwhile_is_the_next_batch() -> None:
    model = SlowModel()

    async def ask_all() -> list[list[str]]:
        with ThreadPoolExecutor(2) as pool:
            batcher = Batcher(model, pool, lambda size: None)
            asked = [[Upload(f"{one}".encode(), 10)] for one in range(2)]
            asked += [
                [Upload(f"{one}{part}".encode(), 10) for part in "abc"] for one in range(2, 15)
            ]
            asked.append([Upload(b"large", 10**8), Upload(b"small", 10)])
            requests = []
            for uploads in asked:
                requests.append(asyncio.ensure_future(batcher.answer(uploads, 60)))
                await asyncio.sleep(0)
            model.may.set()
            return await asyncio.gather(*requests)

    answers = asyncio.run(ask_all())
    assert answers[:2] == [["0"], ["1"]]
    assert answers[2:-1] == [[f"{one}a", f"{one}b", f"{one}c"] for one in range(2, 15)]
    assert answers[-1] == ["large", "small"]
    assert sorted(map(len, model.batches)) == [1, 1, 1, 1, 7, 32]


def test_who_waits_too_long_is_told_so() -> None:
    model = SlowModel()

    async def ask_all() -> tuple[object, ...]:
        with ThreadPoolExecutor(2) as pool:
            batcher = Batcher(model, pool, lambda size: None)
            seconds = (60, 60, 0, 60)
            requests = [
                asyncio.ensure_future(batcher.answer([Upload(b"x", 1)], one)) for one in seconds
            ]
            await asyncio.sleep(0.01)
            model.may.set()
            return tuple(await asyncio.gather(*requests, return_exceptions=True))

    *answered, late, last = asyncio.run(ask_all())
    assert answered == [["x"], ["x"]] and last == ["x"]
    assert isinstance(late, Refusal) and late.status == 429


def test_a_model_that_fails_is_the_servers_fault() -> None:
    def fail(files: Sequence[bytes]) -> list[str]:
        raise MemoryError

    async def ask() -> None:
        with ThreadPoolExecutor(1) as pool:
            await Batcher(fail, pool, lambda size: None).answer([Upload(b"x", 1)], 60)

    with pytest.raises(Refusal, match="The model failed") as caught:
        asyncio.run(ask())
    assert caught.value.status == 500


def test_beyond_the_queue_all_are_told_to_come_again(
    serve: Callable[..., Running], two_versions: Path
) -> None:
    server = serve(two_versions, limits=Limits(queue=2))
    large = encode(700, 1000, "PNG")
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: server.ask([large]), range(16)))
    statuses = Counter(one.status_code for one in answers)
    assert statuses.keys() == {200, 429}
    [busy, *_] = [one for one in answers if one.status_code == 429]
    assert busy.headers["Retry-After"] == "1" and "ask again later" in busy.json()["error"]
    assert server.figure('visionpipe_errors_total{kind="busy"}') == statuses[429]
    assert server.ask([GOOD]).status_code == 200


def test_bodies_that_are_too_large_or_too_slow(
    serve: Callable[..., Running], two_versions: Path
) -> None:
    server = serve(two_versions, limits=Limits(request_bytes=20_000, seconds=2))
    assert server.post(bytes(20_001)).status_code == 413
    pieces = (bytes(5_000) for _ in range(100))
    assert server.post(pieces).status_code == 413
    with socket.create_connection(("127.0.0.1", server.server.port)) as slow:
        slow.sendall(POST + b"Content-Length: 1000\r\n\r\n{")
        assert slow.recv(100).startswith(b"HTTP/1.1 408")
    # Four of the largest are held at one time, whoever sends them.
    held = []
    for _ in range(5):
        one = socket.create_connection(("127.0.0.1", server.server.port))
        one.sendall(POST + b"Content-Length: 19000\r\n\r\n" + bytes(18_000))
        held.append(one)
    statuses = sorted(one.recv(12) for one in held)
    assert statuses == [b"HTTP/1.1 408"] * 4 + [b"HTTP/1.1 429"]
    for one in held:
        one.close()
    assert server.ask([GOOD]).status_code == 200


def test_headers_without_end(rest: Running) -> None:
    with socket.create_connection(("127.0.0.1", rest.server.port)) as flood:
        flood.sendall(POST + b"X: " + b"x" * 100_000)
        assert flood.recv(100).startswith(b"HTTP/1.1 400")
    assert rest.ask([GOOD]).status_code == 200


def test_connections_that_come_to_nothing(
    serve: Callable[..., Running], two_versions: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = serve(two_versions)
    monkeypatch.setattr(connection, "PATIENCE", 0.2)
    with socket.create_connection(("127.0.0.1", server.server.port)) as silent:
        silent.settimeout(20)
        assert silent.recv(1) == b""
    assert server.ask([GOOD]).status_code == 200


def test_a_token(serve: Callable[..., Running], two_versions: Path) -> None:
    server = serve(two_versions, token="value-of-the-token")
    for headers in ({}, {"Authorization": "Bearer other"}, {"Authorization": "value-of-the-token"}):
        for answer in (
            server.ask([GOOD], headers=headers),
            server.get("/metrics", headers=headers),
        ):
            assert answer.status_code == 401 and answer.headers["WWW-Authenticate"] == "Bearer"
    assert server.get("/livez").status_code == server.get("/readyz").status_code == 200
    client = RestClient(server.url, MODEL, token="value-of-the-token")
    assert len(client.predict([GOOD])) == 1
    with pytest.raises(ServingError, match="does not let you in") as caught:
        RestClient(server.url, MODEL).predict([GOOD])
    assert caught.value.kind is Kind.DENIED
    assert "value-of-the-token" not in "".join(server.told)


def test_a_client_that_leaves(rest: Running) -> None:
    body = json.dumps({"instances": [instance(encode(700, 1000, "PNG"))] * 3}).encode()
    length = f"Content-Length: {len(body)}\r\n\r\n".encode()
    for sent in (body, body[:1000]):
        with socket.create_connection(("127.0.0.1", rest.server.port)) as leaving:
            leaving.sendall(POST + length + sent)
    wait_for(lambda: rest.figure("visionpipe_requests_at_work") == 0)
    assert rest.ask([GOOD]).status_code == 200
