"""Both clients against a server of the protocol: answers, and what goes wrong."""

import io
import re
import socket
import struct
import threading
import zlib
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from serving import config
from serving.__main__ import main
from serving.client import Predictor, RestClient
from serving.errors import Kind, ServingError, kind_of
from serving.grpc_client import GrpcClient
from serving.predictions import Classification, read_arrays, read_predictions
from tests.conftest import Workplace
from tests.emulators.model_server import ServingEmulator
from tests.serving.conftest import MODEL, encode
from tests.serving.tiny_models import TinyClassifier, push


def client_of(server: ServingEmulator, kind: str, **keywords: str) -> Predictor:
    keywords = {"model": MODEL, **keywords}
    if kind == "grpc":
        return GrpcClient(server.grpc_url, **keywords)
    return RestClient(server.url, **keywords)


@pytest.fixture(params=["rest", "grpc"])
def kind(request: pytest.FixtureRequest) -> str:
    return request.param


def broken_images() -> Iterator[tuple[str, bytes]]:
    photo = encode(40, 60)
    yield "text", b"no image at all"
    yield "nothing", b""
    yield "cut", photo[:10]
    yield "zeros", bytes(1000)
    yield "bomb", png_of(30_000)


def png_of(side: int) -> bytes:
    """A black PNG of so many pixels a side, in a hundred kilobytes."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        )

    head = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    packer, row = zlib.compressobj(1), bytes(1 + (side + 7) // 8)
    data = b"".join(packer.compress(row) for _ in range(side)) + packer.flush()
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


@pytest.mark.parametrize("label, answer", [("stable", 1), ("canary", 2), ("", 2)])
def test_masks_come_back(server: ServingEmulator, kind: str, label: str, answer: int) -> None:
    images = [encode(40, 60), encode(7, 5, "PNG"), encode(1, 1)]
    predictions = client_of(server, kind, label=label).predict(images)
    for prediction, shape in zip(predictions, [(40, 60), (7, 5), (1, 1)], strict=True):
        mask = np.asarray(Image.open(io.BytesIO(prediction.mask_png)))
        assert np.array_equal(mask, np.full(shape, answer))
        assert prediction.class_fractions == [float(index == answer) for index in range(3)]


def test_no_images_are_no_request(server: ServingEmulator, kind: str) -> None:
    assert client_of(server, kind).predict([]) == []
    assert server.rest.predictions == 0


def test_a_huge_photo_goes_both_ways(server: ServingEmulator, kind: str) -> None:
    """Over gRPC's own limit of 4 MB."""
    image = encode(2000, 2500, "PNG")
    assert len(image) > 10_000_000
    [prediction] = client_of(server, kind).predict([image])
    assert Image.open(io.BytesIO(prediction.mask_png)).size == (2500, 2000)


@pytest.mark.parametrize("image", [pytest.param(data, id=name) for name, data in broken_images()])
def test_a_broken_image_is_refused(server: ServingEmulator, kind: str, image: bytes) -> None:
    client = client_of(server, kind)
    with pytest.raises(
        ServingError,
        match="refuses what it was sent .*(JPEG or PNG|make it smaller|damaged or cut off)",
    ) as caught:
        client.predict([encode(4, 4), image])
    assert caught.value.kind is Kind.REFUSED
    assert "\n" not in str(caught.value)
    assert len(client.predict([encode(4, 4)])) == 1  # it goes on answering


def test_what_the_model_says_of_an_image_is_told(server: ServingEmulator, kind: str) -> None:
    bomb = png_of(8000)
    with pytest.raises(ServingError) as caught:
        client_of(server, kind).predict([bomb])
    assert str(caught.value).endswith(
        'refuses what it was sent for the version "stable" of model scenes: The image '
        "(8000 x 8000) is larger than 50 megapixels, or than 65535 pixels to a side: make it "
        "smaller and retry."
    )
    assert caught.value.kind is Kind.REFUSED


@pytest.mark.parametrize(
    "asked", [{"model": "nope"}, {"label": "nope"}, {"model": "a/b?c:predict#"}], ids=str
)
def test_what_is_not_served(server: ServingEmulator, kind: str, asked: dict[str, str]) -> None:
    with pytest.raises(ServingError, match="does not serve .*serving config") as caught:
        client_of(server, kind, **asked).predict([encode(4, 4)])
    assert caught.value.kind is Kind.MISSING


def test_nobody_listens(kind: str) -> None:
    client = (
        GrpcClient("grpc://127.0.0.1:1", MODEL)
        if kind == "grpc"
        else RestClient("http://127.0.0.1:1", MODEL)
    )
    with pytest.raises(
        ServingError, match="127.0.0.1:1 does not answer .*; start the server"
    ) as caught:
        client.predict([b""])
    assert caught.value.kind is Kind.UNREACHABLE


def test_an_address_that_is_none() -> None:
    with pytest.raises(ServingError, match="does not answer"):
        RestClient("nonsense", MODEL).predict([b""])


def test_a_server_that_never_answers(kind: str) -> None:
    """It takes the connection and says nothing; asking again would only add to its work."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        client: Predictor = (
            GrpcClient(f"grpc://{address}", MODEL, timeout=0.5)
            if kind == "grpc"
            else RestClient(f"http://{address}", MODEL, timeout=0.5)
        )
        with pytest.raises(ServingError, match="did not answer in time .*--timeout") as caught:
            client.predict([encode(4, 4)])
    assert caught.value.kind is Kind.TIMEOUT


BUSY = (503, {"Retry-After": "0"}, "The batch scheduling queue to which this was submitted is full")


def test_a_busy_server_is_asked_again(server: ServingEmulator) -> None:
    server.rest.faults.extend([BUSY, (429, {}, "slow down"), BUSY])
    assert len(RestClient(server.url, MODEL).predict([encode(4, 4)])) == 1
    assert server.rest.predictions == 4


def test_and_given_up(server: ServingEmulator) -> None:
    server.rest.faults.extend([BUSY] * 9)
    with pytest.raises(ServingError, match="too much to do .*; ask again later") as caught:
        RestClient(server.url, MODEL).predict([encode(4, 4)])
    assert caught.value.kind is Kind.BUSY
    assert server.rest.predictions == 4


@pytest.mark.parametrize(
    ("status", "kind", "cure"),
    [
        (413, Kind.TOO_LARGE, "takes no request of that size .*; send fewer or smaller images"),
        (403, Kind.DENIED, "does not let you in .*--url"),
    ],
)
def test_what_a_proxy_before_the_server_refuses(
    server: ServingEmulator, status: int, kind: Kind, cure: str
) -> None:
    server.rest.faults.append((status, {}, "refused"))
    with pytest.raises(ServingError, match=cure) as caught:
        RestClient(server.url, MODEL).predict([encode(4, 4)])
    assert caught.value.kind is kind
    assert server.rest.predictions == 1


def test_a_server_that_wants_to_be_left_alone_for_long(server: ServingEmulator) -> None:
    server.rest.faults.append((503, {"Retry-After": "3600"}, "maintenance"))
    with pytest.raises(ServingError, match="maintenance"):
        RestClient(server.url, MODEL).predict([encode(4, 4)])
    assert server.rest.predictions == 1


def test_an_image_that_another_request_spoiled(server: ServingEmulator) -> None:
    """The server answers several requests as one batch: a broken image fails its neighbours."""
    server.rest.faults.append((400, {}, "Invalid JPEG data"))
    assert len(RestClient(server.url, MODEL).predict([encode(4, 4)])) == 1
    server.rest.faults.append((500, {}, "Internal"))
    with pytest.raises(ServingError, match="failed at .*; its own log tells more"):
        RestClient(server.url, MODEL).predict([encode(4, 4)])


def test_a_full_queue_is_told_from_a_server_that_is_not_there() -> None:
    """Over gRPC both are UNAVAILABLE."""
    full = "The batch scheduling queue to which this task was submitted is full"
    assert kind_of(full) is Kind.BUSY
    assert kind_of("failed to connect to all addresses") is None


class _Strange(BaseHTTPRequestHandler):
    bodies = (b"<html>", b"{}", b'{"predictions": [{"mask_png_bytes": {"b64": "?"}}]}', b"[]")

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.end_headers()
        self.wfile.write(self.bodies[int(self.path.split("/")[3].removesuffix(":predict"))])

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.mark.parametrize("body", range(4))
def test_a_server_of_something_else(body: int) -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Strange) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        client = RestClient(f"http://127.0.0.1:{server.server_port}", str(body), label="")
        with pytest.raises(ServingError, match="failed at the newest version") as caught:
            client.predict([encode(4, 4)])
        server.shutdown()
    assert caught.value.kind is Kind.BROKEN


def test_the_command(
    server: ServingEmulator, kind: str, photo: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    url = server.url if kind == "rest" else server.grpc_url
    mask = photo.with_suffix(".png")
    assert main(["predict", str(photo), "--url", url, "--output", str(mask)]) == 0
    assert re.fullmatch(
        "class 0: 0.0%\nclass 1: 100.0%\nclass 2: 0.0%\nmask: .*photo.png\n",
        capsys.readouterr().out,
    )
    assert np.array_equal(np.asarray(Image.open(mask)), np.ones((40, 60)))


@pytest.fixture(scope="module")
def classifier(shared: Callable[..., Path]) -> Iterator[ServingEmulator]:
    """A server of a model that gives classes."""

    def push_it(folder: Path) -> None:
        push(folder, 1, TinyClassifier())
        config.write(folder, config.build(folder, MODEL, {1}, {"stable": 1}))

    with ServingEmulator(shared("classifier", push_it) / config.FILE) as server:
        yield server


def test_classes_come_back(classifier: ServingEmulator, kind: str) -> None:
    found = client_of(classifier, kind).predict([encode(4, 4)] * 2)
    assert found == [Classification(1, "[b]dog", [0.25, 0.5, 0.125, 0.125])] * 2


def test_the_command_names_the_class(
    classifier: ServingEmulator, kind: str, photo: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["predict", str(photo), "--url", classifier.url, "--model", MODEL]
    if kind == "grpc":
        command[3] = classifier.grpc_url
    assert main(command) == 0
    assert capsys.readouterr().out == (
        "class 1, [b]dog: 50.0%\nclass 0: 25.0%\nclass 2: 12.5%\nclass 3: 12.5%\n"
    )
    assert main([*command, "--output", str(photo.with_suffix(".png"))]) == 1
    assert capsys.readouterr().err == (
        "The model classifies and gives no mask: leave out --output.\n"
    )
    assert not photo.with_suffix(".png").exists()


def test_an_endpoints_numbers_are_floats() -> None:
    row = {"label": 1.0, "class_name": "dog", "probabilities": [0.25, 0.75]}
    assert read_predictions([row]) == [Classification(1, "dog", [0.25, 0.75])]
    [decided] = read_predictions([row | {"decision": "review"}])
    assert decided.decision == "review"
    arrays = {"label": np.ones(1), "class_name": [b"dog"], "probabilities": np.ones((1, 2))}
    assert [one.decision for one in read_arrays(arrays)] == [""]
    assert read_arrays(arrays | {"decision": [b"review"]})[0].decision == "review"
    with pytest.raises(ValueError, match="an answer of no known task"):
        read_predictions([{"label": "dog", "class_name": 1, "probabilities": None}])
    with pytest.raises(ValueError, match="an answer of no known task"):
        read_arrays({"brightness": np.zeros(1)})


@pytest.mark.parametrize(
    "arguments, message",
    [
        ("/missing.jpg", "/missing.jpg cannot be read: No such file or directory."),
        ("README.md", "refuses what it was sent"),
        ("docs/demo.png --output /missing/mask.png", "/missing/mask.png cannot be written"),
        ("docs/demo.png --model other", 'does not serve the version "stable" of model other'),
    ],
)
def test_the_command_says_what_is_wrong(
    workplace: Workplace, server: ServingEmulator, arguments: str, message: str
) -> None:
    done = workplace.run(f"python -m serving predict {arguments} --url {server.url}")
    assert done.returncode == 1
    assert message in done.stderr
    assert len(done.stderr.splitlines()) == 1
