"""The client of Vertex AI's Endpoints against the emulated service, with a model behind it."""

import io
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from google.auth.credentials import AnonymousCredentials
from google.cloud.aiplatform import initializer
from PIL import Image

from serving.errors import Kind, ServingError
from serving.predictions import Prediction
from tests.conftest import REPOSITORY, Workplace
from tests.emulators.child import ChildProcess
from tests.emulators.deploying import create_endpoint, deploy, undeploy_all, upload
from tests.emulators.gcs import GcsEmulator
from tests.emulators.model_server import ServingEmulator
from tests.pages import blocks
from tests.serving.asking import ask, command
from tests.serving.conftest import MODEL, encode

if TYPE_CHECKING:
    from tests.emulators.vertex import VertexEmulator

ROUTE = f"/v1/models/{MODEL}/labels/stable:predict"
PHOTO = encode(40, 60)
*_, ASK_ENDPOINT = (block.text for block in blocks("docs/serving.md", "bash"))


@dataclass(frozen=True)
class Deployed:
    """An Endpoint with a model that says that all is of class 1.

    Attributes:
        name: its resource name.
        ask: asks it, given images and the client's options.
    """

    name: str
    ask: Callable[..., list[Prediction]]


@pytest.fixture
def make_endpoint(
    child: ChildProcess,
    cloud: Callable[..., str],
    vertex: "VertexEmulator",
    server: ServingEmulator,
    artifact: str,
) -> Callable[..., Deployed]:
    """Makes an Endpoint, dedicated or not, by its id, with a model deployed there."""
    vertex.containers[artifact] = server.url

    def make(dedicated: bool, endpoint_id: str = "pets") -> Deployed:
        name = cloud(create_endpoint, endpoint_id, dedicated_endpoint_enabled=dedicated)
        model, _ = cloud(upload, artifact, serving_container_predict_route=ROUTE)
        cloud(deploy, name, model)
        return Deployed(name, partial(child, ask, name))

    return make


@pytest.fixture(params=[True, False], ids=["dedicated", "shared"])
def endpoint(request: pytest.FixtureRequest, make_endpoint: Callable[..., Deployed]) -> Deployed:
    return make_endpoint(request.param)


def predictions(vertex: "VertexEmulator") -> list[tuple[str, str | None]]:
    """How each prediction was asked for and what became of it."""
    return [(one.transport, one.status) for one in vertex.requests if one.method == "Predict"]


@pytest.mark.parametrize(("dedicated", "transport"), [(True, "dedicated"), (False, "grpc")])
def test_masks_come_back(
    vertex: "VertexEmulator",
    make_endpoint: Callable[..., Deployed],
    dedicated: bool,
    transport: str,
) -> None:
    endpoint = make_endpoint(dedicated)
    earlier = len(vertex.gcs.proxy.asked)
    found = endpoint.ask([PHOTO, encode(7, 5, "PNG")])
    for prediction, shape in zip(found, [(40, 60), (7, 5)], strict=True):
        mask = np.asarray(Image.open(io.BytesIO(prediction.mask_png)))
        assert np.array_equal(mask, np.full(shape, 1))
        assert prediction.class_fractions == [0.0, 1.0, 0.0]
    assert predictions(vertex) == [(transport, "OK")]
    own = f"pets.us-central1-{vertex.project_number}.prediction.vertexai.goog"
    assert (own in vertex.gcs.proxy.asked[earlier:]) == dedicated


def test_no_images_are_no_request(vertex: "VertexEmulator", endpoint: Deployed) -> None:
    assert endpoint.ask([]) == []
    assert predictions(vertex) == []


def test_what_is_too_large_is_not_sent(
    vertex: "VertexEmulator", make_endpoint: Callable[..., Deployed]
) -> None:
    shared = make_endpoint(False)
    with pytest.raises(
        ServingError, match=r"it has 1.6 MB, and a shared Endpoint takes 1.5 MB\); send fewer or"
    ) as caught:
        shared.ask([bytes(1_250_000)])
    assert caught.value.kind is Kind.TOO_LARGE
    assert predictions(vertex) == []


@pytest.mark.parametrize(
    ("times", "code"), [(2, "RESOURCE_EXHAUSTED"), (2, "UNAVAILABLE")], ids=["quota", "busy"]
)
def test_a_busy_endpoint_is_asked_again(
    vertex: "VertexEmulator", endpoint: Deployed, times: int, code: str
) -> None:
    vertex.fault("Predict", code, times=times)
    assert len(endpoint.ask([PHOTO])) == 1
    assert [status for _, status in predictions(vertex)] == [code] * times + ["OK"]


FAILURES = {
    "RESOURCE_EXHAUSTED": (Kind.BUSY, "is busy .*ask again later, .* larger quota", {4}),
    "PERMISSION_DENIED": (Kind.DENIED, "refuses this account .*roles/aiplatform.user", {1}),
    "UNAUTHENTICATED": (
        Kind.DENIED,
        "does not accept the credentials .*gcloud auth",
        {1, 3},
    ),  # google-auth renews
    "NOT_FOUND": (Kind.MISSING, "serves no model .*ENDPOINT_MACHINE_TYPE", {1}),
    "FAILED_PRECONDITION": (Kind.MISSING, "serves no model", {1}),
    "INTERNAL": (Kind.BROKEN, "failed at its model .*log", {1}),
}


@pytest.mark.parametrize("code", FAILURES)
def test_failures_are_sentences(vertex: "VertexEmulator", endpoint: Deployed, code: str) -> None:
    kind, message, tries = FAILURES[code]
    vertex.fault("Predict", code, times=9, message="Told to fail.")
    with pytest.raises(ServingError, match=f"{endpoint.name} {message}") as caught:
        endpoint.ask([PHOTO])
    assert caught.value.kind is kind
    assert "Told to fail" in str(caught.value) and "Status code" not in str(caught.value)
    assert len(predictions(vertex)) in tries


def test_what_the_service_finds_too_large(vertex: "VertexEmulator", endpoint: Deployed) -> None:
    """Should its limit be another one than is documented."""
    said = "Request payload size exceeds the limit: 1000 bytes."
    vertex.fault("Predict", "INVALID_ARGUMENT", message=said, times=9)
    with pytest.raises(
        ServingError, match="takes no request of that size .*fewer or smaller"
    ) as got:
        endpoint.ask([PHOTO])
    assert got.value.kind is Kind.TOO_LARGE
    assert len(predictions(vertex)) == 1


def test_a_broken_image_is_refused(endpoint: Deployed) -> None:
    with pytest.raises(ServingError, match="refuses what it was sent .*: The file is no") as got:
        endpoint.ask([PHOTO, b"no image at all"])
    assert got.value.kind is Kind.REFUSED
    assert "\n" not in str(got.value)
    assert len(endpoint.ask([PHOTO])) == 1  # it goes on answering


def test_nothing_is_deployed(
    cloud: Callable[..., None], vertex: "VertexEmulator", endpoint: Deployed
) -> None:
    cloud(undeploy_all, endpoint.name)
    with pytest.raises(ServingError, match="serves no model .nothing is deployed there.*") as got:
        endpoint.ask([PHOTO])
    assert got.value.kind is Kind.MISSING
    assert predictions(vertex) == []


@pytest.mark.parametrize(
    ("name", "kind", "message"),
    [
        ("{parent}/endpoints/cats", Kind.MISSING, "serves no model .*cats is not found"),
        ("projects/other/locations/us-central1/endpoints/pets", Kind.DENIED, "refuses this acc"),
    ],
)
def test_no_such_endpoint(
    child: ChildProcess, vertex: "VertexEmulator", name: str, kind: Kind, message: str
) -> None:
    with pytest.raises(ServingError, match=message) as caught:
        child(ask, name.format(parent=vertex.parent), [PHOTO])
    assert caught.value.kind is kind


def test_a_region_that_there_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(initializer.global_config, "_credentials", AnonymousCredentials())
    with pytest.raises(ServingError, match="locations/mars/endpoints/pets cannot be reached .Uns"):
        ask("projects/demo-project/locations/mars/endpoints/pets", [PHOTO])


def test_no_login(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(initializer.global_config, "_credentials", None)
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "none.json"))
    with pytest.raises(ServingError, match="does not accept the credentials .*gcloud auth") as got:
        ask("projects/demo-project/locations/us-central1/endpoints/pets", [PHOTO])
    assert got.value.kind is Kind.DENIED


def test_a_host_that_is_not_reached(
    gcs: GcsEmulator, vertex: "VertexEmulator", make_endpoint: Callable[..., Deployed]
) -> None:
    endpoint = make_endpoint(True)
    gcs.proxy.close_route(vertex.dedicated_address)
    with pytest.raises(ServingError, match="cannot be reached .*look at the network") as caught:
        endpoint.ask([PHOTO], retry=False)
    assert caught.value.kind is Kind.UNREACHABLE


def test_the_page(
    workplace: Workplace, gcs: GcsEmulator, make_endpoint: Callable[..., Deployed], photo: Path
) -> None:
    """Its command, as a user has it: in a process of its own, in the folder of photo.jpg."""
    make_endpoint(True, "segformer-training-pipeline")
    asked = f"cd {photo.parent}; {ASK_ENDPOINT}"
    done = workplace.run(asked, warm=False, PYTHONPATH=REPOSITORY, **gcs.environment)
    assert (done.returncode, done.stderr) == (0, "")
    assert "class 1: 100.0%" in done.stdout
    assert np.array_equal(np.asarray(Image.open(photo.parent / "mask.png")), np.ones((40, 60)))


def test_a_load(child: ChildProcess, endpoint: Deployed, photo: Path) -> None:
    asked = ("load", str(photo), "--endpoint", endpoint.name, "--requests", "6")
    status, output, _ = child(command, *asked)
    assert status == 0
    assert "requests answered │ 6" in output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("--endpoint Pets/1", "Pets/1 cannot be an Endpoint: give its id, or projects/"),
        ("--endpoint pets --label canary", "The traffic of an Endpoint decides"),
        ("--endpoint cats", "endpoints/cats serves no model"),
    ],
)
def test_the_command_says_what_is_wrong(
    child: ChildProcess, vertex: "VertexEmulator", photo: Path, arguments: str, message: str
) -> None:
    status, output, errors = child(command, "predict", str(photo), *arguments.split())
    assert (status, output) == (1, "")
    assert message in errors
    assert len(errors.splitlines()) == 1
