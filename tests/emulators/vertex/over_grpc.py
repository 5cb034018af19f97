"""The services over gRPC with TLS."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import grpc
from google.protobuf.message import Message

from ..googleapis import GrpcServer
from .dispatch import dispatch
from .errors import Refusal
from .faults import AnswerLost, Request
from .methods import METHODS, Method

if TYPE_CHECKING:
    from .emulator import VertexEmulator


class _Services(grpc.GenericRpcHandler):
    def __init__(self, vertex: "VertexEmulator") -> None:
        self._vertex = vertex

    def service(self, call: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler | None:
        method = METHODS.by_name(call.method)
        if method is None:  # which gRPC answers with UNIMPLEMENTED
            name = call.method.rpartition("/")[2]
            self._vertex.journal.note(Request(name, "", "grpc", "UNIMPLEMENTED"))
            return None
        return grpc.unary_unary_rpc_method_handler(
            self._answer(method),
            request_deserializer=method.request.FromString,
            response_serializer=lambda answer: answer.SerializeToString(),
        )

    def _answer(self, method: Method) -> Callable[[Message, grpc.ServicerContext], Any]:
        def answer(request: Message, context: grpc.ServicerContext) -> Message:
            metadata = dict(context.invocation_metadata())
            try:
                return dispatch(
                    self._vertex, method, request, metadata.get("authorization", ""), "grpc"
                )
            except Refusal as refusal:
                context.set_trailing_metadata(
                    [("grpc-status-details-bin", refusal.status().SerializeToString())]
                )
                context.abort(refusal.grpc_code, refusal.message)
            except AnswerLost:
                self._vertex.cut_connections()
                context.abort(grpc.StatusCode.UNAVAILABLE, "Nobody reads this.")

        return answer


def grpc_server(vertex: "VertexEmulator") -> GrpcServer:
    """The server of an emulator."""
    return GrpcServer(_Services(vertex), vertex.gcs.authority)
