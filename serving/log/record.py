"""One image that was asked about, as a PredictionLog.

The request is what the model was asked, so that it can be asked again. A PredictionLog has no field
for an id, a time and a route; they stand among the outputs.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow_serving.apis import predict_pb2, prediction_log_pb2

from serving.gateway.asked import INPUT, SIGNATURE

_ID, _TIME, _ROUTE = "request_id", "timestamp", "route"


@dataclass(frozen=True)
class Logged:
    """An image and its answer.

    Attributes:
        id: of the request, a dash, and the image's number in it, from 0.
        seconds: since 1970, when it was answered.
        model: its name.
        version: of the model.
        route: the label by which the version was found, `shadow` for an answer that nobody got,
            empty where the request named a version.
        image: JPEG or PNG.
        outputs: of the model, each without a dimension of images: arrays, or bytes.
    """

    id: str
    seconds: float
    model: str
    version: int
    route: str
    image: bytes
    outputs: Mapping[str, Any]


def write_record(logged: Logged) -> bytes:
    """Serialize an image and its answer."""
    spec = {"name": logged.model, "signature_name": SIGNATURE}
    request = predict_pb2.PredictRequest(
        model_spec=spec, inputs={INPUT: tf.make_tensor_proto([logged.image])}
    )
    outputs = {
        **logged.outputs,
        _ID: logged.id.encode(),
        _TIME: np.float64(logged.seconds),
        _ROUTE: logged.route.encode(),
    }
    response = predict_pb2.PredictResponse(
        model_spec={**spec, "version": {"value": logged.version}},
        outputs={name: tf.make_tensor_proto(_row(value)) for name, value in outputs.items()},
    )
    log = prediction_log_pb2.PredictLog(request=request, response=response)
    return prediction_log_pb2.PredictionLog(predict_log=log).SerializeToString()


def _row(value: Any) -> Any:
    """Return a value as the only row of what a model answers."""
    return [value] if isinstance(value, bytes) else np.expand_dims(value, 0)


def read_record(record: bytes) -> Logged:
    """Parse an image and its answer.

    Raises:
        ValueError: it is none that `write_record` wrote.
    """
    try:
        log = prediction_log_pb2.PredictionLog.FromString(record).predict_log
        spec = log.response.model_spec
        outputs = {name: tf.make_ndarray(one)[0] for name, one in log.response.outputs.items()}
        return Logged(
            id=outputs.pop(_ID).decode(),
            seconds=float(outputs.pop(_TIME)),
            model=spec.name,
            version=spec.version.value,
            route=outputs.pop(_ROUTE).decode(),
            image=log.request.inputs[INPUT].string_val[0],
            outputs=outputs,
        )
    except Exception as error:  # protobuf and NumPy raise whatever a foreign record provokes
        raise ValueError(f"a record of another program ({type(error).__name__})") from error
