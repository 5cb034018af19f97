"""Requests and answers of TensorFlow Serving's protocol, one bad image among good ones included."""

import base64
import gzip
import json
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from serving.client import RestClient
from serving.errors import Kind, ServingError
from tests.serving.conftest import MODEL, encode
from tests.serving.own_server import Running, instance
from tests.serving.test_serving_client import png_of

GOOD = encode(40, 60)
ROWS = f"/v1/models/{MODEL}"


def test_it_answers_as_the_model_does(rest: Running, two_versions) -> None:
    images = [encode(33, 20, "PNG"), GOOD, encode(1, 1)]
    model = tf.saved_model.load(str(two_versions / "2"))
    expected = model.signatures["serving_default"](image_bytes=tf.constant(images))
    found = RestClient(rest.url, MODEL).predict(images)
    assert [one.mask_png for one in found] == expected["mask_png_bytes"].numpy().tolist()
    assert np.array_equal([one.class_fractions for one in found], expected["class_fractions"])


@pytest.mark.parametrize("path", [ROWS, f"{ROWS}/versions/2", f"{ROWS}/labels/stable"])
def test_ways_to_name_a_version(rest: Running, path: str) -> None:
    [row] = rest.ask([GOOD], f"{path}:predict").json()["predictions"]
    assert row["class_fractions"] == [0, 0, 1]
    assert rest.get(path).json() == {
        "model_version_status": [
            {
                "version": "2",
                "state": "AVAILABLE",
                "status": {"error_code": "OK", "error_message": ""},
            }
        ]
    }
    metadata = rest.get(f"{path}/metadata").json()
    assert metadata["model_spec"] == {"name": MODEL, "signature_name": "", "version": "2"}
    signature = metadata["metadata"]["signature_def"]["signature_def"]["serving_default"]
    assert signature["inputs"]["image_bytes"]["dtype"] == "DT_STRING"


@pytest.mark.parametrize("column", [lambda images: {"image_bytes": images}, list])
def test_columns(rest: Running, column) -> None:
    images = [instance(one)["image_bytes"] for one in (GOOD, b"text", GOOD)]
    answer = rest.post(json.dumps({"inputs": column(images)}).encode())
    outputs = answer.json()["outputs"]
    assert outputs["class_fractions"] == [[0, 0, 1], None, [0, 0, 1]]
    assert outputs["error"][1].startswith("The file is not an image") and not outputs["error"][2]
    [row] = rest.ask([GOOD]).json()["predictions"]
    assert outputs["mask_png_bytes"][::2] == [row["mask_png_bytes"]] * 2


def bad_images() -> dict[str, tuple[Any, str]]:
    url_safe = base64.urlsafe_b64encode(b"\xff" * 9).decode()
    return {
        "text": (b"text", "The file is not an image that can be read"),
        "nothing": (b"", "The file is not an image that can be read"),
        "bomb": (png_of(8000), "The image (8000 x 8000) is larger than 50 megapixels"),
        "cut": (GOOD[:-200], "The image is damaged or cut off"),
        "header": (GOOD[:10], "The image is damaged or cut off"),
        "base64": ({"b64": "not base64"}, "The image is no standard base64"),
        "url-safe": ({"image_bytes": {"b64": url_safe}}, "The image is no standard base64"),
        "number": (7, "The instance has no image"),
        "other": ({"image": {"b64": "aaaa"}}, "The instance has no image"),
    }


@pytest.mark.parametrize("name", bad_images())
def test_a_bad_image_takes_none_with_it(rest: Running, name: str) -> None:
    bad, told = bad_images()[name]
    answer = rest.ask([GOOD, bad, GOOD])
    assert answer.status_code == 200
    first, second, third = answer.json()["predictions"]
    assert first == third and first["class_fractions"] == [0, 0, 1]
    assert list(second) == ["error"] and second["error"].startswith(told)
    alone = rest.ask([bad, bad])
    assert alone.status_code == 400
    assert alone.json()["error"].startswith(f"None of 2 images: {told}")


def test_the_client_names_the_bad_image(rest: Running) -> None:
    with pytest.raises(ServingError, match=r"\(Image 2 of 2: The file is not an image") as caught:
        RestClient(rest.url, MODEL).predict([GOOD, b"text"])
    assert caught.value.kind is Kind.REFUSED


@pytest.mark.parametrize(
    ("body", "status", "told"),
    [
        (b"", 400, "JSON Parse error"),
        (b"[]", 400, "either 'instances' or 'inputs'"),
        (b"{}", 400, "either 'instances' or 'inputs'"),
        (b'{"instances": [], "inputs": []}', 400, "either 'instances' or 'inputs'"),
        (b'{"instances": []}', 400, "no list of image_bytes"),
        (b'{"inputs": {"image": []}}', 400, "no list of image_bytes"),
        (b'{"instances": [1], "signature_name": "other"}', 400, '"other" not found'),
        (b'{"instances": ' + b"[" * 2000 + b"]" * 2000 + b"}", 400, "JSON Parse error"),
        (b'{"instances": [' + b"1," * 300 + b"1]}", 413, "more than 256 instances"),
        (b'{"instances": [' + b"1," * 10_000 + b"1]}", 413, "more than 256 instances"),
    ],
)
def test_a_body_that_is_no_request(rest: Running, body: bytes, status: int, told: str) -> None:
    answer = rest.post(body)
    assert (answer.status_code, told in answer.json()["error"]) == (status, True), answer.text


@pytest.mark.parametrize(
    ("path", "status", "told"),
    [
        ("/v1/models/nope:predict", 404, "Servable not found for request: Latest(nope)"),
        (
            f"{ROWS}/versions/7:predict",
            404,
            f"Servable not found for request: Specific({MODEL}, 7)",
        ),
        (f"{ROWS}/labels/nope:predict", 400, "Unrecognized servable version label: nope"),
        (f"{ROWS}/labels/..%2f..%2f1:predict", 404, "Malformed request: POST"),
        ("/v1/models/..%2f..%2fetc%2fpasswd:predict", 404, "Malformed request: POST"),
        (f"{ROWS}/versions/{'9' * 30}:predict", 404, "Malformed request: POST"),
        (f"{ROWS}:classify", 404, "Malformed request: POST"),
        ("/v1", 404, "Malformed request: POST"),
        ("/livez", 405, "Malformed request: POST"),
    ],
)
def test_a_path_that_leads_nowhere(rest: Running, path: str, status: int, told: str) -> None:
    answer = rest.ask([GOOD], path)
    assert answer.status_code == status
    assert answer.json()["error"].startswith(told)


def test_names_of_clients_make_no_metrics(rest: Running) -> None:
    for path in ("/v1/models/unknown-1:predict", "/v1/models/unknown-2:predict"):
        rest.ask([GOOD], path)
    rest.ask([GOOD])
    before = rest.figure(
        f'visionpipe_predicted_class_total{{class="2",model="{MODEL}",route="stable"}}'
    )
    rest.ask([GOOD, GOOD])
    text = rest.get("/monitoring/prometheus/metrics").text
    assert "unknown" not in text
    series = f'{{label="stable",model="{MODEL}",version="2"}}'
    assert rest.figure(f"visionpipe_served_version{series}") == 1
    after = rest.figure(
        f'visionpipe_predicted_class_total{{class="2",model="{MODEL}",route="stable"}}'
    )
    assert after == before + 2
    assert rest.figure('visionpipe_errors_total{kind="model not loaded"}') >= 2


def test_gzip(rest: Running) -> None:
    body = json.dumps({"instances": [instance(GOOD)]}).encode()
    packed = {"Content-Encoding": "gzip"}
    assert rest.post(gzip.compress(body), headers=packed).json() == rest.post(body).json()
    for broken in (body, gzip.compress(body)[:-10], gzip.compress(body) + b"more"):
        answer = rest.post(broken, headers=packed)
        assert (answer.status_code, "gzip" in answer.json()["error"]) == (400, True)
    assert rest.post(body, headers={"Content-Encoding": "br"}).status_code == 415
    bomb = rest.post(gzip.compress(bytes(40_000_000)), headers=packed)
    assert (bomb.status_code, "larger than" in bomb.json()["error"]) == (413, True)
