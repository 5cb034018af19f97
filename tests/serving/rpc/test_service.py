"""The server over gRPC, asked by the project's client and by TensorFlow Serving's own stubs."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest
import tensorflow as tf
from tensorflow_serving.apis import (
    get_model_metadata_pb2,
    get_model_status_pb2,
    model_management_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
)

from serving.client import RestClient
from serving.errors import Kind, ServingError
from serving.gateway.limits import Limits
from serving.grpc_client import GrpcClient
from tests.serving.conftest import encode
from tests.serving.own_server import MODEL, Running
from tests.serving.tiny_models import TinyClassifier, push

GOOD = encode(40, 60)
Code = grpc.StatusCode


@pytest.fixture
def server(serve: Callable[..., Running], two_versions: Path) -> Running:
    return serve(two_versions, grpc_port=0)


def address(server: Running) -> str:
    return f"127.0.0.1:{server.server.grpc_port}"


def client(server: Running, **keywords: Any) -> GrpcClient:
    return GrpcClient(f"grpc://{address(server)}", MODEL, **keywords)


def request(images: Any, **spec: Any) -> predict_pb2.PredictRequest:
    tensor = tf.make_tensor_proto(images)
    return predict_pb2.PredictRequest(
        model_spec={"name": MODEL, **spec}, inputs={"image_bytes": tensor}
    )


class Stubs:
    """TensorFlow Serving's."""

    def __init__(self, server: Running) -> None:
        channel = grpc.insecure_channel(address(server))
        self.prediction = prediction_service_pb2_grpc.PredictionServiceStub(channel)
        self.model = model_service_pb2_grpc.ModelServiceStub(channel)

    def refusal(self, asked: predict_pb2.PredictRequest, **keywords: Any) -> tuple[Code, str]:
        with pytest.raises(grpc.RpcError) as caught:
            self.prediction.Predict(asked, **keywords)
        return caught.value.code(), caught.value.details()


def test_it_answers_as_rest_and_the_model_do(server: Running, two_versions: Path) -> None:
    images = [encode(33, 20, "PNG"), GOOD, encode(1, 1)]
    signature = tf.saved_model.load(str(two_versions / "2")).signatures["serving_default"]
    expected = signature(image_bytes=tf.constant(images))
    response = Stubs(server).prediction.Predict(request(images))
    found = {name: tf.make_ndarray(tensor) for name, tensor in response.outputs.items()}
    assert found.keys() == expected.keys()
    assert all(np.array_equal(found[name], expected[name]) for name in found)
    assert response.model_spec.version.value == 2
    assert client(server).predict(images) == RestClient(server.url, MODEL).predict(images)


def test_a_classifier(serve: Callable[..., Running], tmp_path: Path) -> None:
    push(tmp_path, 1, TinyClassifier())
    server = serve(tmp_path, grpc_port=0)
    [found] = client(server).predict([GOOD])
    assert found == RestClient(server.url, MODEL).predict([GOOD])[0]
    assert (found.label, found.class_name) == (1, "[b]dog")


def test_one_bad_image_among_good_ones(server: Running) -> None:
    stubs = Stubs(server)
    outputs = stubs.prediction.Predict(request([GOOD, b"text", GOOD])).outputs
    errors = tf.make_ndarray(outputs["error"])
    assert errors[1].startswith(b"The file is not an image") and not errors[0] and not errors[2]
    assert tf.make_ndarray(outputs["class_fractions"]).tolist() == [[0, 0, 1], [0] * 3, [0, 0, 1]]
    assert tf.make_ndarray(outputs["mask_png_bytes"])[1] == b""
    code, told = stubs.refusal(request([b"text", b""]))
    assert code is Code.INVALID_ARGUMENT and told.startswith("None of 2 images: The file is not")
    with pytest.raises(ServingError, match="Image 2 of 2: The file is not an image") as caught:
        client(server).predict([GOOD, b"text"])
    assert caught.value.kind is Kind.REFUSED


@pytest.mark.parametrize(
    ("asked", "code", "told"),
    [
        (request([GOOD], version={"value": 7}), Code.NOT_FOUND, f"Specific({MODEL}, 7)"),
        (request([GOOD], version_label="none"), Code.INVALID_ARGUMENT, "Unrecognized servable"),
        (request([GOOD], name="../other"), Code.NOT_FOUND, "Latest(../other)"),
        (request([GOOD], signature_name="x"), Code.INVALID_ARGUMENT, 'name: "x" not found'),
        (request([1.0]), Code.INVALID_ARGUMENT, "must be a vector of strings"),
        (request(GOOD), Code.INVALID_ARGUMENT, "must be a vector of strings"),
        (request([[GOOD]]), Code.INVALID_ARGUMENT, "must be a vector of strings"),
        (request(np.array([], object)), Code.INVALID_ARGUMENT, "has no image_bytes"),
        (request([b""] * 257), Code.RESOURCE_EXHAUSTED, "more than 256 instances"),
        (
            predict_pb2.PredictRequest(model_spec={"name": MODEL}),
            Code.INVALID_ARGUMENT,
            "one input",
        ),
    ],
)
def test_what_is_refused(server: Running, asked, code: Code, told: str) -> None:
    found, said = Stubs(server).refusal(asked)
    assert found is code and told in said, (found, said)


def test_a_shape_that_lies(server: Running) -> None:
    lying = request([GOOD])
    lying.inputs["image_bytes"].tensor_shape.dim[0].size = 1_000_000_000
    assert Stubs(server).refusal(lying)[0] is Code.INVALID_ARGUMENT


def test_outputs_that_are_wanted(server: Running) -> None:
    stubs = Stubs(server)
    wanted = request([GOOD])
    wanted.output_filter.append("class_fractions")
    assert list(stubs.prediction.Predict(wanted).outputs) == ["class_fractions"]
    wanted.output_filter.append("none")
    assert stubs.refusal(wanted)[0] is Code.INVALID_ARGUMENT


def test_sizes(serve: Callable[..., Running], two_versions: Path) -> None:
    """More than gRPC's own 4 MB, and more than the limit."""
    server = serve(two_versions, grpc_port=0, limits=Limits(request_bytes=6 * 2**20))
    large = encode(1300, 1300, "PNG")
    assert 4.5e6 < len(large) < 6e6
    assert len(client(server).predict([large])) == 1
    code, told = Stubs(server).refusal(request([large, large]))
    assert code is Code.RESOURCE_EXHAUSTED and "larger than max" in told


def test_what_is_known_of_a_model(server: Running) -> None:
    stubs = Stubs(server)
    metadata = stubs.prediction.GetModelMetadata(
        get_model_metadata_pb2.GetModelMetadataRequest(
            model_spec={"name": MODEL}, metadata_field=["signature_def"]
        )
    )
    assert metadata.model_spec.version.value == 2
    signatures = get_model_metadata_pb2.SignatureDefMap()
    metadata.metadata["signature_def"].Unpack(signatures)
    over_rest = server.get(f"/v1/models/{MODEL}/metadata").json()
    assert (
        signatures.signature_def.keys()
        == over_rest["metadata"]["signature_def"]["signature_def"].keys()
    )
    status = stubs.model.GetModelStatus(
        get_model_status_pb2.GetModelStatusRequest(model_spec={"name": MODEL})
    )
    [version] = status.model_version_status
    assert (version.version, version.state) == (2, 30)
    with pytest.raises(grpc.RpcError) as caught:
        stubs.model.GetModelStatus(
            get_model_status_pb2.GetModelStatusRequest(model_spec={"name": "other"})
        )
    assert caught.value.code() is Code.NOT_FOUND


def test_what_this_server_does_not_do(server: Running) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        Stubs(server).model.HandleReloadConfigRequest(
            model_management_pb2.ReloadConfigRequest(), timeout=60
        )
    assert caught.value.code() is Code.UNIMPLEMENTED


def test_a_token_and_access_over_both(serve: Callable[..., Running], two_versions: Path) -> None:
    lines: list[str] = []
    server = serve(two_versions, grpc_port=0, token="value-of-the-token", tell_access=lines.append)
    assert len(client(server, token="value-of-the-token").predict([GOOD])) == 1
    for token in (None, "other"):
        with pytest.raises(ServingError, match="does not let you in") as caught:
            client(server, token=token).predict([GOOD])
        assert caught.value.kind is Kind.DENIED
    RestClient(server.url, MODEL, token="value-of-the-token").predict([GOOD])
    server.get("/v1/models/x?secret=1")
    assert "value-of-the-token" not in "".join(lines)
    rows = [json.loads(line) for line in lines if "readyz" not in line]
    shown = [(row["method"], row["path"], row["status"]) for row in rows]
    predict = "/tensorflow.serving.PredictionService/Predict"
    assert shown == [
        ("gRPC", predict, "OK"),
        ("gRPC", predict, "UNAUTHENTICATED"),
        ("gRPC", predict, "UNAUTHENTICATED"),
        ("POST", f"/v1/models/{MODEL}/labels/stable:predict", 200),
        ("GET", "/v1/models/x", 401),
    ]
    for row in (rows[0], rows[3]):
        assert (row["model"], row["version"], row["route"], row["images"]) == (
            MODEL,
            2,
            "stable",
            1,
        )
        assert len(row["id"]) == 32 and row["milliseconds"] > 0 and row["time"] > 1.7e9


def test_a_port_in_use(serve: Callable[..., Running], server: Running, two_versions: Path) -> None:
    with pytest.raises(ServingError, match="cannot be listened at .* with --grpc-port"):
        serve(two_versions, grpc_port=server.server.grpc_port)
