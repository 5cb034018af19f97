"""TensorFlow Serving's REST protocol: what a request asks for, and how an answer is written."""

import base64
import binascii
import json
import re
from collections.abc import Sequence
from typing import Any, NamedTuple

from google.protobuf.json_format import MessageToDict

from serving.gateway.asked import INPUT, SIGNATURE, Answer, Asked
from serving.gateway.limits import Refusal, too_many
from serving.gateway.version import Version
from serving.gateway.versions import Status

_PATH = re.compile(
    r"/v1/models/([^/:]+)(?:/versions/(\d{1,19})|/labels/([^/:]+))?(:predict|/metadata)?"
)
_SHOWN = 100  # characters of what a client sent that are repeated to it


class Images(NamedTuple):
    """The images of a request.

    Attributes:
        files: each image's bytes, or why it has none.
        in_columns: whether the answer is to be written by outputs, and not by images.
    """

    files: list[bytes | str]
    in_columns: bool


def read_path(method: str, path: str) -> tuple[Asked, str]:
    """Read what is asked for.

    Returns:
        What the path names, and its verb: `:predict`, `/metadata`, or nothing for the status.

    Raises:
        Refusal: the path is none of the protocol's.
    """
    match = _PATH.fullmatch(path)
    if match is None or (method == "POST") != (match[4] == ":predict"):
        raise Refusal(404, f"Malformed request: {method} {path[:_SHOWN]}")
    named = Asked(match[1], int(match[2]) if match[2] else None, match[3])
    return named, match[4] or ""


def read_images(body: bytes, most: int) -> Images:
    """Read the body of a prediction.

    Args:
        body: JSON with `instances`, a row for each image, or `inputs`, a column of them.
        most: how many images it may have.

    Raises:
        Refusal: it is none, or has more.
    """
    # Each comma and bracket makes an object in memory, ten times as large; base64 has none.
    if sum(map(body.count, (b",", b"[", b"{"))) > 8 * (most + 8):
        raise too_many(most)
    try:
        request = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise Refusal(400, f"JSON Parse error: {str(error)[:_SHOWN]}") from None
    if not isinstance(request, dict) or ("instances" in request) == ("inputs" in request):
        raise Refusal(400, "The request must be an object with either 'instances' or 'inputs'.")
    if (signature := request.get("signature_name", SIGNATURE)) != SIGNATURE:
        raise Refusal(
            400, f'Serving signature name: "{str(signature)[:_SHOWN]}" not found in signature def'
        )
    in_columns = "inputs" in request
    rows = request["inputs"] if in_columns else request["instances"]
    if in_columns and isinstance(rows, dict):
        rows = rows.get(INPUT)
    if not isinstance(rows, list) or not rows:
        raise Refusal(400, f"The request has no list of {INPUT}.")
    if len(rows) > most:
        raise too_many(most)
    return Images([_read_image(row) for row in rows], in_columns)


def _read_image(row: Any) -> bytes | str:
    """Return an image of `{"image_bytes": {"b64": …}}` or `{"b64": …}`, as there is one input."""
    value = row.get(INPUT, row) if isinstance(row, dict) else row
    encoded = value.get("b64") if isinstance(value, dict) else None
    if not isinstance(encoded, str):
        return f'The instance has no image: send {{"{INPUT}": {{"b64": "…"}}}}.'
    try:
        return base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        return (
            "The image is no standard base64 (A-Z, a-z, 0-9, + and /, with = at the end): encode "
            "the file's bytes so, not in the kind for URLs."
        )


def write_answers(answers: Sequence[Answer], in_columns: bool) -> dict[str, Any]:
    """Write what was answered, where an image that has no answer has an `error`.

    Args:
        answers: of each image.
        in_columns: as `Images` has it.

    Returns:
        What JSON is made of.
    """
    rows = [
        {"error": one}
        if isinstance(one, str)
        else {name: _plain(name, value) for name, value in one.items()}
        for one in answers
    ]
    if not in_columns:
        return {"predictions": rows}
    names = dict.fromkeys(name for row in rows for name in row)
    return {"outputs": {name: [row.get(name) for row in rows] for name in names}}


def write_statuses(statuses: Sequence[Status]) -> dict[str, Any]:
    """Write which versions there are."""
    return {
        "model_version_status": [
            {
                "version": str(one.version),
                "state": one.state,
                "status": {
                    "error_code": "UNKNOWN" if one.failure else "OK",
                    "error_message": one.failure,
                },
            }
            for one in statuses
        ]
    }


def write_metadata(name: str, servable: Version) -> dict[str, Any]:
    """Write the signatures of a version."""
    signatures = MessageToDict(
        servable.signatures,
        preserving_proto_field_name=True,
        always_print_fields_with_no_presence=True,
    )
    spec = {"name": name, "signature_name": "", "version": str(servable.number)}
    return {"model_spec": spec, "metadata": {"signature_def": signatures}}


def _plain(name: str, value: Any) -> Any:
    """Return a value as JSON has it; bytes are base64 where the name of the output says so."""
    if not isinstance(value, bytes):
        return value.tolist()
    if name.endswith("_bytes"):
        return {"b64": base64.b64encode(value).decode()}
    return value.decode(errors="replace")
