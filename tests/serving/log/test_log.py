"""The request log: what it holds, what it may take, and what it survives."""

import json
import resource
import signal
import stat
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx2
import numpy as np
import pytest
import tensorflow as tf
from tensorflow_serving.apis import prediction_log_pb2

from serving.errors import ServingError
from serving.gateway.traffic import is_sampled
from serving.log.files import list_files
from serving.log.reader import read_log
from serving.log.record import Logged
from serving.log.writer import LogWriter
from tests.conftest import Workplace
from tests.ports import free_ports
from tests.serving.conftest import encode
from tests.serving.own_server import MODEL, Running, instance, wait_for
from tests.serving.processes import running
from tests.warm.commands import python

GOOD = encode(40, 60)
SMALL = encode(8, 8, "PNG")


def logged(number: int, image: bytes = SMALL) -> Logged:
    return Logged(f"r-{number}", 1.5, MODEL, 2, "stable", image, {"label": np.int64(number)})


def test_it_holds_what_was_asked_and_answered(
    serve: Callable[..., Running], pushed: Path, tmp_path: Path
) -> None:
    log = tmp_path / "logs" / "requests"
    server = serve(pushed, log=log)
    answer = server.ask([GOOD, b"text", SMALL], headers={"X-Request-Id": "mine.1"})
    server.ask([GOOD], f"/v1/models/{MODEL}/versions/2:predict", headers={"X-Request-Id": "no\tid"})
    server.ask([b"text"])
    wait_for(lambda: len(list(read_log(log))) == 3)  # while the server runs
    first, second, third = read_log(log)
    assert (first.id, second.id) == ("mine.1-0", "mine.1-2")
    assert (first.image, second.image) == (GOOD, SMALL)
    assert (first.route, third.route) == ("stable", "")
    assert {(one.model, one.version) for one in (first, second, third)} == {(MODEL, 2)}
    [row, _, _] = answer.json()["predictions"]
    assert first.outputs["class_fractions"].tolist() == row["class_fractions"]
    assert first.outputs["mask_png_bytes"].startswith(b"\x89PNG")
    assert len(third.id) == 34 and third.seconds >= first.seconds > 1.7e9
    assert server.figure('visionpipe_logged_images_total{result="written"}') == 3
    [file] = list_files(log)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(log.stat().st_mode) == 0o700


def test_a_record_can_be_asked_again(
    serve: Callable[..., Running], pushed: Path, tmp_path: Path
) -> None:
    """As TensorFlow Serving's warm-up does, which reads such files."""
    serve(pushed, log=tmp_path / "log").ask([GOOD])
    wait_for(lambda: len(list(read_log(tmp_path / "log"))) == 1)
    [record] = tf.data.TFRecordDataset([str(one) for one in list_files(tmp_path / "log")])
    request = prediction_log_pb2.PredictionLog.FromString(record.numpy()).predict_log.request
    signature = tf.saved_model.load(str(pushed / "2")).signatures["serving_default"]
    inputs = {name: tf.constant(tf.make_ndarray(one)) for name, one in request.inputs.items()}
    assert signature(**inputs)["class_fractions"].numpy().tolist() == [[0, 0, 1]]


def test_a_sample(serve: Callable[..., Running], pushed: Path, tmp_path: Path) -> None:
    server = serve(pushed, log=tmp_path / "log", log_percent=30)
    for number in range(30):
        server.ask([SMALL], headers={"X-Request-Id": f"r-{number}"})
    server.server.stop()
    expected = [f"r-{number}-0" for number in range(30) if is_sampled(f"r-{number}", 30, "log")]
    assert 3 < len(expected) < 20
    wait_for(lambda: len(list(read_log(tmp_path / "log"))) == len(expected))
    assert [one.id for one in read_log(tmp_path / "log")] == expected


def test_it_is_bounded_and_the_oldest_goes(tmp_path: Path) -> None:
    image = bytes(10_000)
    for start in (0, 100):  # the second server's files come after the first one's
        writer = LogWriter(tmp_path, 100, 400_000, print)
        for number in range(start, start + 100):
            writer.put(logged(number, image))
        writer.close()
        assert (writer.written, writer.dropped) == (100, 0)
        assert sum(file.stat().st_size for file in list_files(tmp_path)) <= 400_000
    found = [one.id for one in read_log(tmp_path)]
    assert found == [f"r-{number}" for number in range(200 - len(found), 200)]
    assert len(found) > 25


def test_what_waits_is_bounded(tmp_path: Path) -> None:
    writer = LogWriter(tmp_path, 100, 10**9, print)
    for number in range(40):
        writer.put(logged(number, bytes(10**7)))
    writer.close()
    assert writer.dropped > 0 and writer.written + writer.dropped == 40


def test_a_full_disk_ends_the_log_and_no_answer(
    serve: Callable[..., Running], pushed: Path, tmp_path: Path
) -> None:
    server = serve(pushed, log=tmp_path / "log")
    large = encode(200, 300, "PNG")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, before[1]))
    try:
        for _ in range(6):
            assert server.ask([large]).status_code == 200
        wait_for(lambda: len(server.told) == 2)
        assert server.ask([large]).status_code == 200
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert "no longer logged" in server.told[1] and "cannot be written" in server.told[1]
    assert [one.image for one in read_log(tmp_path / "log")] == [large] * 2


def test_a_server_that_is_killed_under_load(
    workplace: Workplace, pushed: Path, tmp_path: Path
) -> None:
    """What it had written can be read, and the next one serves the same and logs on."""
    log = tmp_path / "log"
    [port] = free_ports(1)
    command = [python(), "-m", "pipeline", "serve", "--port", str(port), "--log", str(log)]
    command += ["--model", f"{MODEL}={pushed}"]
    url = f"http://127.0.0.1:{port}"
    body = json.dumps({"instances": [instance(GOOD)]}).encode()

    def ask(number: int) -> int:
        try:
            path = f"{url}/v1/models/{MODEL}:predict"
            answer = httpx2.post(path, content=body, headers={"X-Request-Id": f"r-{number}"})
        except httpx2.HTTPError:
            return 0
        return answer.status_code

    def ready() -> bool:
        try:
            return httpx2.get(f"{url}/readyz").status_code == 200
        except httpx2.HTTPError:
            return False

    with running(command, port, workplace.environment()) as process:
        wait_for(ready)
        with ThreadPoolExecutor(4) as pool:
            asked = [pool.submit(ask, number) for number in range(60)]
            wait_for(lambda: sum(one.done() for one in asked) > 20)
            process.send_signal(signal.SIGKILL)
            process.wait()
        assert {one.result() for one in asked} == {200, 0}
    [file] = list_files(log)
    with open(file, "ab") as half:  # where it was killed in the middle of a record
        half.write(b"\x10\x00\x00\x00\x00\x00\x00\x00half")
    before = [one.id for one in read_log(log)]
    assert all(one.image == GOOD for one in read_log(log))
    with running(command, port, workplace.environment()):
        wait_for(ready)
        assert ask(99) == 200
        wait_for(lambda: [one.id for one in read_log(log)] == [*before, "r-99-0"])


def test_no_log_and_a_foreign_one(tmp_path: Path) -> None:
    with pytest.raises(ServingError, match="holds no requests: have a server log them"):
        next(read_log(tmp_path))
    with tf.io.TFRecordWriter(str(tmp_path / "requests-1.tfrecord")) as writer:
        writer.write(b"something else")
    with pytest.raises(ServingError, match="no log of this server"):
        next(read_log(tmp_path))
    (tmp_path / "file").touch()
    with pytest.raises(ServingError, match="cannot be logged to .*: name another folder"):
        LogWriter(tmp_path / "file", 100, 10**9, print)
