"""What stands in for all of *.googleapis.com: names, certificates, accounts."""

from .accounts import Account, Accounts, InvalidToken
from .certificates import Authority
from .proxy import ConnectProxy
from .server import Handler, HttpServer

__all__ = [
    "Account",
    "Accounts",
    "Authority",
    "ConnectProxy",
    "Handler",
    "HttpServer",
    "InvalidToken",
]
