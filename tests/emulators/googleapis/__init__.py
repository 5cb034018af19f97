"""What stands in for all of Google's hosts: names, certificates, accounts."""

from .accounts import Account, Accounts, InvalidToken
from .certificates import Authority
from .grpc_server import GrpcServer
from .process import ServerMissing, ServerProcess
from .proxy import ConnectProxy
from .secret_manager import SecretManager
from .server import BLOCK, HOP_BY_HOP, Handler, HttpServer

__all__ = [
    "BLOCK",
    "HOP_BY_HOP",
    "Account",
    "Accounts",
    "Authority",
    "ConnectProxy",
    "GrpcServer",
    "Handler",
    "HttpServer",
    "InvalidToken",
    "SecretManager",
    "ServerMissing",
    "ServerProcess",
]
