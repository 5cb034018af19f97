"""A gRPC server on 127.0.0.1, over TLS."""

from concurrent.futures import ThreadPoolExecutor

import grpc

from .certificates import Authority


class GrpcServer:
    """Listens on a free port from the start, and answers from `start` to `close`.

    Args:
        handler: What answers.
        authority: Makes it a host of Google's.
    """

    def __init__(self, handler: grpc.GenericRpcHandler, authority: Authority) -> None:
        self._server = grpc.server(ThreadPoolExecutor(max_workers=16), handlers=[handler])
        pair = (authority.key.read_bytes(), authority.certificate.read_bytes())
        credentials = grpc.ssl_server_credentials([pair])
        self.address = ("127.0.0.1", self._server.add_secure_port("127.0.0.1:0", credentials))

    def start(self) -> None:
        """Begins to answer."""
        self._server.start()

    def close(self) -> None:
        """Answers no more."""
        self._server.stop(grace=None).wait()
