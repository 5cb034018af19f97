"""`visionpipe serve` as a process: how it begins, what it tells, and how it ends."""

import io
import json
import signal
import socket
from contextlib import closing, redirect_stderr, redirect_stdout
from http.client import HTTPConnection
from pathlib import Path

import pytest

from pipeline.__main__ import main
from serving.errors import ServingError
from tests.conftest import Workplace
from tests.ports import free_ports
from tests.serving.conftest import encode
from tests.serving.own_server import Running, instance, wait_for
from tests.serving.processes import running
from tests.serving.tiny_models import give_provenance
from tests.warm.commands import python


def serve(*arguments: str) -> tuple[int, str]:
    """Runs `visionpipe serve` to its end; returns its exit code and what it said of an error."""
    errors = io.StringIO()
    with redirect_stderr(errors), redirect_stdout(io.StringIO()):
        status = main(["serve", *arguments])
    return status, errors.getvalue()


def get(port: int, path: str) -> int | None:
    """Asks on a connection of its own; returns the status, or None where nobody listens."""
    with closing(HTTPConnection("127.0.0.1", port, timeout=60)) as connection:
        try:
            connection.request("GET", path)
            return connection.getresponse().status
        except OSError:
            return None


def test_as_a_container_of_vertex_ai(workplace: Workplace, pushed: Path, photo: Path) -> None:
    """With the contract's variables; SIGTERM comes in the middle of a request."""
    [port] = free_ports(1)
    environment = workplace.environment(
        AIP_HTTP_PORT=port,
        AIP_HEALTH_ROUTE="/health",
        AIP_PREDICT_ROUTE="/predict",
        AIP_STORAGE_URI=pushed / "2",
    )
    body = json.dumps({"instances": [instance(encode(40, 60))] * 5}).encode()
    with (
        running([python(), "-m", "pipeline", "serve"], port, environment) as process,
        closing(HTTPConnection("127.0.0.1", port)) as connection,
    ):
        wait_for(lambda: get(port, "/health") == 200)
        assert get(port, "/livez") == 200
        connection.putrequest("POST", "/predict")
        connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body[:100])
        assert get(port, "/livez") == 200  # by now it knows of the request
        process.send_signal(signal.SIGTERM)
        wait_for(lambda: get(port, "/livez") is None)
        connection.send(body[100:])
        answer = connection.getresponse()
        assert answer.status == 200
        predictions = json.loads(answer.read())["predictions"]
        assert process.wait(60) == 0
    shares = [row["class_fractions"] for row in predictions]
    assert shares == [[0, 0, 1]] * 5


def test_check_asks_it_once(rest: Running, workplace: Workplace, photo: Path, capsys) -> None:
    port = str(rest.server.port)
    assert main(["serve", "--port", port, "--check", str(photo)]) == 0
    assert "class 2: 100.0%" in capsys.readouterr().out
    status, told = serve("--port", port, "--check", str(photo.with_name("none.jpg")))
    assert (status, "none.jpg cannot be read: No such file" in told) == (2, True)
    photo.write_bytes(b"no photo")
    status, told = serve("--port", port, "--check", str(photo))
    assert (status, "The file is not an image" in told) == (2, True)


def test_what_is_to_be_mended_first(pushed: Path, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("SERVING_DIR", str(tmp_path / "none"))
    monkeypatch.delenv("ABSENT_TOKEN", raising=False)
    (tmp_path / "file").touch()
    (tmp_path / "empty").mkdir()
    broken = tmp_path / "broken" / "1"
    broken.mkdir(parents=True)
    (broken / "saved_model.pb").write_bytes(b"no model")
    give_provenance(pushed / "2", "cifar10")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        wrong = [
            ((), "No model was pushed to"),
            (("--model", str(tmp_path / "empty")), "No model was pushed to"),
            (("--model", str(tmp_path / "file")), "cannot be read (Not a directory)"),
            (("--model", f"{pushed}", "--port", port), "cannot be listened at"),
            (("--model", f"a={pushed}", "--model", f"a={pushed}"), "has no name of its own"),
            (("--model", f"a/b={pushed}"), "has no name of its own"),
            (("--model", str(broken.parent), "--port", "0"), "it is no whole SavedModel"),
            (("--port", "70000"), "less than or equal to 65535"),
            (("--token-secret", "hf_the_token_itself"), "a secret is named, not given"),
            (("--token-secret", "ABSENT_TOKEN"), "ABSENT_TOKEN is not set"),
        ]
        for arguments, expected in wrong:
            status, told = serve(*arguments)
            assert (status, expected in told, "hf_the" in told) == (2, True, False), told
    (pushed / "1").rename(tmp_path / "1")
    monkeypatch.setenv("SERVING_DIR", str(pushed))
    status, told = serve("--port", "0")
    assert (status, "a model of classification, and segmentation is served" in told) == (2, True)


def test_a_model_is_fetched_from_wherever_tensorflow_reads(pushed: Path, tmp_path: Path) -> None:
    import tensorflow as tf

    from serving.gateway.artifact import fetch

    for file in (pushed / "1").rglob("*"):
        if file.is_file():
            place = f"ram://bucket/model/{file.relative_to(pushed / '1')}"
            tf.io.gfile.makedirs(place.rpartition("/")[0])
            tf.io.gfile.copy(str(file), place)
    fetched = fetch("ram://bucket/model", tmp_path / "fetched")
    assert (fetched / "saved_model.pb").read_bytes() == (pushed / "1/saved_model.pb").read_bytes()
    with pytest.raises(ServingError, match="ram://bucket/none cannot be copied"):
        fetch("ram://bucket/none", tmp_path / "none")
