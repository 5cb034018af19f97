"""Serves S3 on this machine until Ctrl-C, with the keys that compose.yaml's storage has."""

import argparse
import signal
import socket
import sys
from pathlib import Path

import dotenv

from ..googleapis import ServerMissing
from .server import S3Server

BUCKET = "lakefs"  # as compose.yaml has it


def parse_arguments() -> argparse.Namespace:
    """Reads the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.emulators.s3",
        description="Serves S3 until Ctrl-C, with MINIO_ROOT_USER and MINIO_ROOT_PASSWORD of .env.",
    )
    parser.add_argument("--state", type=Path, required=True, help="the folder that holds it all")
    parser.add_argument("--port", type=int, default=9000)
    return parser.parse_args()


def find_fault(port: int, user: str | None, password: str | None) -> str:
    """What keeps it from being served, in a sentence; empty where nothing does."""
    if not (user and password):
        return ".env has no MINIO_ROOT_USER or MINIO_ROOT_PASSWORD; `make env` writes them."
    try:
        with socket.create_server(("127.0.0.1", port)):
            return ""
    except OSError as error:
        return f"Port {port} cannot be had ({error.strerror}); end what listens there."


def main() -> int:
    """Does what the command line says; returns the exit code."""
    arguments = parse_arguments()
    told = dotenv.dotenv_values(".env", interpolate=False)
    user, password = told.get("MINIO_ROOT_USER"), told.get("MINIO_ROOT_PASSWORD")
    if fault := find_fault(arguments.port, user, password):
        print(fault, file=sys.stderr)
        return 1
    try:
        server = S3Server(arguments.state, arguments.port, str(user), str(password))
    except (ServerMissing, RuntimeError) as error:
        print(error, file=sys.stderr)
        return 1
    signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGINT, signal.SIGTERM))
    with server:
        buckets = {bucket["Name"] for bucket in server.client.list_buckets()["Buckets"]}
        if BUCKET not in buckets:
            server.make_bucket(BUCKET)
        print(
            f"S3 is at {server.endpoint}, with the bucket {BUCKET} and the keys MINIO_ROOT_USER "
            "and MINIO_ROOT_PASSWORD of .env; Ctrl-C ends it.",
            flush=True,
        )
        signal.sigwait((signal.SIGINT, signal.SIGTERM))
    return 0


if __name__ == "__main__":
    sys.exit(main())
