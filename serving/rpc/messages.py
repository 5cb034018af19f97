"""TensorFlow Serving's messages: what a request asks for, and how an answer is written."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow_serving.apis import get_model_status_pb2, predict_pb2
from tensorflow_serving.apis.model_pb2 import ModelSpec

from serving.gateway.asked import INPUT, SIGNATURE, Answer, Asked
from serving.gateway.gateway import Answered
from serving.gateway.limits import Refusal, too_many
from serving.gateway.versions import Status

ERROR = "error"  # an output beside the model's, where an image has no answer
_SHOWN = 100  # characters of what a client sent that are repeated to it


def read_spec(spec: ModelSpec) -> Asked:
    """Read which model is asked for."""
    match spec.WhichOneof("version_choice"):
        case "version":
            return Asked(spec.name, version=spec.version.value)
        case "version_label":
            return Asked(spec.name, label=spec.version_label)
    return Asked(spec.name)


def read_files(request: predict_pb2.PredictRequest, most: int) -> list[bytes | str]:
    """Read the images of a request.

    Args:
        request: with one input, a vector of encoded images.
        most: how many images it may have.

    Raises:
        Refusal: it is none, or has more.
    """
    if (signature := request.model_spec.signature_name) not in ("", SIGNATURE):
        raise Refusal(
            400, f'Serving signature name: "{signature[:_SHOWN]}" not found in signature def'
        )
    if list(request.inputs) != [INPUT]:
        raise Refusal(400, f"The request must have one input, {INPUT}.")
    tensor = request.inputs[INPUT]
    sizes = [one.size for one in tensor.tensor_shape.dim]
    # As TensorFlow does, a value that is given once is taken for all; here that is of no use.
    if tensor.dtype != tf.string.as_datatype_enum or sizes != [len(tensor.string_val)]:
        raise Refusal(400, f"{INPUT} must be a vector of strings, one for each image.")
    if not tensor.string_val:
        raise Refusal(400, f"The request has no {INPUT}.")
    if len(tensor.string_val) > most:
        raise too_many(most)
    return list(tensor.string_val)


def write_answers(
    answered: Answered, asked: Asked, outputs: Sequence[str]
) -> predict_pb2.PredictResponse:
    """Write what was answered.

    An image that has no answer has an `error`, and of each other output what is empty or zero.

    Args:
        answered: at least one answer of the model.
        asked: what the request named, of which the label is repeated.
        outputs: which are wanted; all where there are none.

    Raises:
        Refusal: an output is wanted that the model does not have.
    """
    whole = next(one for one in answered.answers if not isinstance(one, str))
    if unknown := set(outputs) - whole.keys():
        raise Refusal(400, f"output tensor alias not found in signature: {min(unknown)[:_SHOWN]}")
    spec = ModelSpec(name=answered.model, signature_name=SIGNATURE)
    if asked.label is None:
        spec.version.value = answered.version
    else:
        spec.version_label = asked.label
    response = predict_pb2.PredictResponse(model_spec=spec)
    for name in outputs or whole:
        column = [_value(one, name, whole[name]) for one in answered.answers]
        response.outputs[name].CopyFrom(_tensor(column))
    if any(isinstance(one, str) for one in answered.answers):
        errors = [one.encode() if isinstance(one, str) else b"" for one in answered.answers]
        response.outputs[ERROR].CopyFrom(_tensor(errors))
    return response


def write_statuses(statuses: Sequence[Status]) -> get_model_status_pb2.GetModelStatusResponse:
    """Write which versions there are."""
    states = get_model_status_pb2.ModelVersionStatus.State
    response = get_model_status_pb2.GetModelStatusResponse()
    for one in statuses:
        told = response.model_version_status.add(version=one.version)
        told.state = states.Value(one.state)
        told.status.error_code = 2 if one.failure else 0  # UNKNOWN, OK
        told.status.error_message = one.failure
    return response


def _value(answer: Answer, name: str, like: Any) -> Any:
    if not isinstance(answer, str):
        return answer[name]
    return b"" if isinstance(like, bytes) else np.zeros_like(like)


def _tensor(column: Sequence[Any]) -> Any:
    if isinstance(column[0], bytes):
        return tf.make_tensor_proto(column, tf.string, [len(column)])
    return tf.make_tensor_proto(np.stack(column))
