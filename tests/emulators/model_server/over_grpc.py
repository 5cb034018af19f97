"""The gRPC side: TensorFlow Serving's own servicers over `Models`."""

from concurrent.futures import ThreadPoolExecutor
from typing import NoReturn

import grpc
import tensorflow as tf
from tensorflow_serving.apis import (
    get_model_status_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
)
from tensorflow_serving.apis.model_pb2 import ModelSpec

from .models import Models, Refusal, predict


class _Predictions(prediction_service_pb2_grpc.PredictionServiceServicer):
    def __init__(self, models: Models) -> None:
        self._models = models

    def Predict(
        self, request: predict_pb2.PredictRequest, context: grpc.ServicerContext
    ) -> predict_pb2.PredictResponse:
        spec: ModelSpec = request.model_spec
        version = spec.version.value if spec.HasField("version") else None
        try:
            number, model = self._models.find(spec.name, version, spec.version_label)
            outputs = predict(model, tf.make_ndarray(request.inputs["image_bytes"]).tolist())
        except Refusal as refusal:
            _abort(context, refusal)
        response = predict_pb2.PredictResponse(
            outputs={name: tf.make_tensor_proto(value) for name, value in outputs.items()}
        )
        response.model_spec.CopyFrom(ModelSpec(name=spec.name, version={"value": number}))
        return response


class _Statuses(model_service_pb2_grpc.ModelServiceServicer):
    def __init__(self, models: Models) -> None:
        self._models = models

    def GetModelStatus(
        self, request: get_model_status_pb2.GetModelStatusRequest, context: grpc.ServicerContext
    ) -> get_model_status_pb2.GetModelStatusResponse:
        try:
            statuses = self._models.statuses(request.model_spec.name)
        except Refusal as refusal:
            _abort(context, refusal)
        return get_model_status_pb2.GetModelStatusResponse(
            model_version_status=[
                {"version": version, "state": state} for version, state in statuses
            ]
        )


def _abort(context: grpc.ServicerContext, refusal: Refusal) -> NoReturn:
    context.abort(refusal.status, str(refusal))
    raise AssertionError("abort raises")


def make_server(models: Models, port: int) -> tuple[grpc.Server, int]:
    """A server on 127.0.0.1 that is not started yet, and its port."""
    server = grpc.server(
        ThreadPoolExecutor(max_workers=8), options=[("grpc.max_receive_message_length", -1)]
    )
    prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(
        _Predictions(models), server
    )
    model_service_pb2_grpc.add_ModelServiceServicer_to_server(_Statuses(models), server)
    return server, server.add_insecure_port(f"127.0.0.1:{port}")
