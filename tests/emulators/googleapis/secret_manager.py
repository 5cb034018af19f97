"""Secret Manager over gRPC with TLS: secrets are read, by accounts that may."""

import google_crc32c
import grpc
from google.cloud.secretmanager_v1 import types

from .accounts import Accounts, InvalidToken
from .certificates import Authority
from .grpc_server import GrpcServer

_ACCESS = "/google.cloud.secretmanager.v1.SecretManagerService/AccessSecretVersion"


class SecretManager(grpc.GenericRpcHandler):
    """The secrets of a project.

    Args:
        accounts: Who may read them: those that are permitted.
        authority: Makes it secretmanager.googleapis.com.
    """

    def __init__(self, accounts: Accounts, authority: Authority) -> None:
        self._accounts = accounts
        self._values: dict[str, bytes] = {}
        server = GrpcServer(self, authority)
        self.address, self.start, self.close = server.address, server.start, server.close

    def add(self, secret: str, value: str) -> None:
        """Gives a secret, projects/PROJECT/secrets/NAME, its only version."""
        self._values[secret] = value.encode()

    def service(self, call: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler | None:
        if call.method != _ACCESS:  # which gRPC answers with UNIMPLEMENTED
            return None
        return grpc.unary_unary_rpc_method_handler(
            self._access,
            request_deserializer=types.AccessSecretVersionRequest.deserialize,
            response_serializer=types.AccessSecretVersionResponse.serialize,
        )

    def _access(
        self, request: types.AccessSecretVersionRequest, context: grpc.ServicerContext
    ) -> types.AccessSecretVersionResponse:
        authorization = dict(context.invocation_metadata()).get("authorization", "")
        try:
            account = self._accounts.identify(authorization.removeprefix("Bearer "))
        except InvalidToken as error:
            context.abort(grpc.StatusCode.UNAUTHENTICATED, f"Invalid credentials: {error}.")
        secret, _, version = request.name.partition("/versions/")
        if not account.permitted or secret not in self._values or version not in ("1", "latest"):
            context.abort(
                grpc.StatusCode.PERMISSION_DENIED,
                "Permission 'secretmanager.versions.access' denied for resource "
                f"'{request.name}' (or it may not exist).",
            )
        value = self._values[secret]
        payload = types.SecretPayload(data=value, data_crc32c=google_crc32c.value(value))
        return types.AccessSecretVersionResponse(name=f"{secret}/versions/1", payload=payload)
