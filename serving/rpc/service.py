"""The services of gRPC, on the event loop of the HTTP server."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import grpc
from tensorflow_serving.apis import (
    get_model_metadata_pb2,
    get_model_status_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
)

from serving.access import Tell, write_line
from serving.gateway.gateway import Gateway, choose_id
from serving.gateway.limits import Refusal
from serving.gateway.tokens import is_token
from serving.rpc.messages import read_files, read_spec, write_answers, write_statuses

_METADATA = "signature_def"  # the only kind that there is
# By the status of HTTP.
_CODES = {
    400: grpc.StatusCode.INVALID_ARGUMENT,
    401: grpc.StatusCode.UNAUTHENTICATED,
    404: grpc.StatusCode.NOT_FOUND,
    413: grpc.StatusCode.RESOURCE_EXHAUSTED,
    429: grpc.StatusCode.RESOURCE_EXHAUSTED,
    500: grpc.StatusCode.INTERNAL,
    503: grpc.StatusCode.UNAVAILABLE,
}
# Calls at one time, beyond which gRPC refuses; those that the queue refuses are among them.
_CALLS = 512


async def start_service(
    gateway: Gateway, address: str, token: str | None, tell_access: Tell | None
) -> grpc.aio.Server:
    """Listen.

    Args:
        gateway: answers.
        address: host and port.
        token: what a call must bring as `authorization`; None for nothing.
        tell_access: is told a line of JSON for every call; None for nobody.
    """
    server = grpc.aio.server(
        maximum_concurrent_rpcs=_CALLS,
        options=[
            ("grpc.so_reuseport", 0),
            ("grpc.max_receive_message_length", gateway.limits.request_bytes),
            ("grpc.max_send_message_length", -1),
        ],
    )
    common = gateway, token, tell_access
    prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(
        _Prediction(*common), server
    )
    model_service_pb2_grpc.add_ModelServiceServicer_to_server(_Model(*common), server)
    server.add_insecure_port(address)
    await server.start()
    return server


class _Service:
    """What both services do around an answer."""

    _name: str

    def __init__(self, gateway: Gateway, token: str | None, tell_access: Tell | None) -> None:
        self._gateway = gateway
        self._token = token
        self._tell_access = tell_access

    @asynccontextmanager
    async def _call(
        self, method: str, context: grpc.aio.ServicerContext
    ) -> AsyncIterator[dict[str, Any]]:
        """Check the token, end a refused call with its status, and tell the call's line.

        Yields:
            What the line is to have beside the rest.
        """
        began = time.perf_counter()
        code = grpc.StatusCode.INTERNAL
        facts: dict[str, Any] = {}
        try:
            if self._token and not is_token(_find(context, "authorization"), self._token):
                raise Refusal(401, "The call has no token, or a wrong one: send it as a bearer.")
            yield facts
            code = grpc.StatusCode.OK
        except Refusal as refusal:
            code = _CODES[refusal.status]
            await context.abort(code, str(refusal))
        finally:
            if self._tell_access:
                self._tell_access(
                    write_line(
                        client=context.peer(),
                        method="gRPC",
                        path=f"/tensorflow.serving.{self._name}/{method}",
                        status=code.name,
                        milliseconds=round((time.perf_counter() - began) * 1000, 1),
                        **facts,
                    )
                )


class _Prediction(_Service, prediction_service_pb2_grpc.PredictionServiceServicer):
    _name = "PredictionService"

    async def Predict(
        self, request: predict_pb2.PredictRequest, context: grpc.aio.ServicerContext
    ) -> predict_pb2.PredictResponse:
        asked = read_spec(request.model_spec)
        most = self._gateway.limits.instances
        request_id = choose_id(_find(context, "x-request-id"))
        async with self._call("Predict", context) as facts:
            with self._gateway.counted():
                answered = await self._gateway.answer(
                    asked, request_id, lambda: read_files(request, most)
                )
                facts |= {"id": request_id, **answered.facts}
                return write_answers(answered, asked, request.output_filter)

    async def GetModelMetadata(
        self,
        request: get_model_metadata_pb2.GetModelMetadataRequest,
        context: grpc.aio.ServicerContext,
    ) -> get_model_metadata_pb2.GetModelMetadataResponse:
        async with self._call("GetModelMetadata", context):
            if list(request.metadata_field) != [_METADATA]:
                raise Refusal(400, f"metadata_field must be {_METADATA}, and nothing else.")
            asked = read_spec(request.model_spec)
            servable = self._gateway.find(asked.model).find(asked)
            response = get_model_metadata_pb2.GetModelMetadataResponse()
            response.model_spec.name = asked.model
            response.model_spec.version.value = servable.number
            response.metadata[_METADATA].Pack(servable.signatures)
            return response


class _Model(_Service, model_service_pb2_grpc.ModelServiceServicer):
    _name = "ModelService"

    async def GetModelStatus(
        self,
        request: get_model_status_pb2.GetModelStatusRequest,
        context: grpc.aio.ServicerContext,
    ) -> get_model_status_pb2.GetModelStatusResponse:
        async with self._call("GetModelStatus", context):
            asked = read_spec(request.model_spec)
            return write_statuses(self._gateway.find(asked.model).statuses(asked))


def _find(context: grpc.aio.ServicerContext, key: str) -> str:
    """Return a value of a call's metadata; empty where there is none."""
    return str(dict(context.invocation_metadata() or ()).get(key, ""))
