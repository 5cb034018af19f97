"""Asks a server of TensorFlow Serving's gRPC protocol for predictions."""

from collections.abc import Sequence

import grpc
import tensorflow as tf
from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc

from serving.client import LABEL, describe, retrying
from serving.errors import Kind, explain, kind_of
from serving.predictions import ImageRefused, Prediction, read_arrays

SCHEME = "grpc://"

_KINDS = {
    grpc.StatusCode.INVALID_ARGUMENT: Kind.REFUSED,
    grpc.StatusCode.NOT_FOUND: Kind.MISSING,
    grpc.StatusCode.UNAUTHENTICATED: Kind.DENIED,
    grpc.StatusCode.RESOURCE_EXHAUSTED: Kind.BUSY,
    grpc.StatusCode.DEADLINE_EXCEEDED: Kind.TIMEOUT,
    grpc.StatusCode.UNAVAILABLE: Kind.UNREACHABLE,
}


class GrpcClient:
    """Asks over gRPC; threads may share one.

    Args:
        url: the server's, such as grpc://127.0.0.1:8500.
        model: name of the model.
        label: which of its versions, by label; "" for the newest that is loaded.
        timeout: seconds for one answer.
        retry: whether to ask again where that makes sense.
        token: what the server wants, if it wants one.
    """

    def __init__(
        self,
        url: str,
        model: str,
        label: str = LABEL,
        timeout: float = 30.0,
        retry: bool = True,
        token: str | None = None,
    ) -> None:
        self._metadata = [("authorization", f"Bearer {token}")] if token else []
        self._retry = retry
        self._url = url
        self._target = describe(model, label)
        self._spec = {"name": model, "signature_name": "serving_default"}
        if label:
            self._spec["version_label"] = label
        self._timeout = timeout
        # gRPC's own limit of 4 MB is less than a batch of photos.
        unlimited = [(f"grpc.max_{way}_message_length", -1) for way in ("send", "receive")]
        channel = grpc.insecure_channel(url.removeprefix(SCHEME), options=unlimited)
        self._stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)

    def predict(self, images: Sequence[bytes]) -> list[Prediction]:
        """Return encoded images (JPEG or PNG) to predictions, in their order.

        Raises:
            ServingError: there is no answer, also not after the tries that make sense.
        """
        if not images:
            return []
        tensor = tf.make_tensor_proto(list(images), tf.string, [len(images)])
        request = predict_pb2.PredictRequest(model_spec=self._spec, inputs={"image_bytes": tensor})
        response = retrying(self._retry)(self._ask, request)
        try:
            return read_arrays(
                {name: tf.make_ndarray(tensor) for name, tensor in response.outputs.items()}
            )
        except ImageRefused as error:
            raise explain(Kind.REFUSED, self._url, self._target, str(error)) from error
        except ValueError as error:
            raise explain(Kind.BROKEN, self._url, self._target, str(error)) from error

    def _ask(self, request: predict_pb2.PredictRequest) -> predict_pb2.PredictResponse:
        try:
            return self._stub.Predict(request, timeout=self._timeout, metadata=self._metadata)
        except grpc.RpcError as error:
            said = error.details() or error.code().name
            kind = kind_of(said) or _KINDS.get(error.code(), Kind.BROKEN)
            raise explain(kind, self._url, self._target, said) from error
