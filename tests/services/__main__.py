"""Serves on this machine what compose.yaml has, until Ctrl-C, with the keys of `.env`."""

import argparse
import contextlib
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NoReturn

import dotenv
import filelock

from tests.emulators.googleapis import ServerMissing
from tests.emulators.s3 import S3Server

from .alerting import (
    ALERTMANAGER_PORT,
    PROMETHEUS_PORT,
    SETTINGS,
    SLACK_URL,
    Alertmanager,
    Prometheus,
)
from .mlflow_server import MLflow
from .pgpool import PgPool, find_program
from .postgres import PostgreSQL, find_programs
from .process import Service, ServiceError, check_ports, end_orphans

BUCKET = "lakefs"  # as compose.yaml has it
_KEYS = ("MINIO_ROOT_USER", "MINIO_ROOT_PASSWORD", "POSTGRES_PASSWORD")


def parse_arguments(words: Sequence[str] | None = None) -> argparse.Namespace:
    """Reads the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.services",
        description="Serves S3, and MLflow on PostgreSQL behind PgPool, until Ctrl-C, with the "
        "keys of .env; or MLflow alone, on SQLite; or Prometheus with Alertmanager.",
    )
    parser.add_argument("what", choices=["all", "mlflow", "monitoring"])
    parser.add_argument("--state", type=Path, required=True, help="the folder that holds it all")
    parser.add_argument("--mlflow-port", type=int, default=5000)
    parser.add_argument("--prometheus-port", type=int, default=PROMETHEUS_PORT)
    parser.add_argument("--alertmanager-port", type=int, default=ALERTMANAGER_PORT)
    parser.add_argument("--s3-port", type=int, default=9000)
    parser.add_argument("--pgpool-port", type=int, default=9999)
    parser.add_argument("--postgres-port", type=int, default=15432)
    return parser.parse_args(words)


def read_keys() -> dict[str, str]:
    """Reads what `make env` wrote.

    Raises:
        ServiceError: Something of it is missing.
    """
    told = dotenv.dotenv_values(".env", interpolate=False)
    keys = {name: value for name in _KEYS if (value := told.get(name))}
    if missing := [name for name in _KEYS if name not in keys]:
        raise ServiceError(f".env has no {', '.join(missing)}; `make env` writes what is missing.")
    return keys


@contextlib.contextmanager
def reserve(state: Path) -> Iterator[None]:
    """Keeps a folder from a second program, and ends what a killed one left running.

    Raises:
        ServiceError: A program serves it, or it cannot be written.
    """
    lock = filelock.FileLock(state / "lock", timeout=0)
    try:
        state.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except filelock.Timeout:
        raise ServiceError(f"{state} is served by another program; end that one first.") from None
    except OSError as error:
        raise ServiceError(f"{state} cannot be used ({error.strerror}); name another.") from error
    with lock:
        end_orphans(state)
        yield


def start_all(stack: contextlib.ExitStack, arguments: argparse.Namespace) -> list[Service]:
    """Starts what compose.yaml has but lakeFS, and says where it is.

    Raises:
        ServerMissing: PostgreSQL or PgPool is not installed.
        ServiceError: Something does not start.
    """
    find_programs(), find_program()  # before anything starts
    keys, state = read_keys(), arguments.state
    check_ports(
        {
            "MLflow": arguments.mlflow_port,
            "S3": arguments.s3_port,
            "PgPool": arguments.pgpool_port,
            "PostgreSQL": arguments.postgres_port,
        }
    )
    password = keys["POSTGRES_PASSWORD"]
    user = (keys["MINIO_ROOT_USER"], keys["MINIO_ROOT_PASSWORD"])
    begin = stack.enter_context
    postgres = begin(PostgreSQL(state / "postgres", password, arguments.postgres_port))
    pgpool = begin(PgPool(state / "pgpool", password, postgres.port, arguments.pgpool_port))
    mlflow = begin(MLflow(state / "mlflow", pgpool.url, arguments.mlflow_port))
    s3 = begin(S3Server(state / "s3", arguments.s3_port, *user))
    if BUCKET not in {bucket["Name"] for bucket in s3.client.list_buckets()["Buckets"]}:
        s3.make_bucket(BUCKET)
    print(
        f"MLflow is at {mlflow.endpoint}, on PostgreSQL at port {postgres.port} behind PgPool at "
        f"port {pgpool.port}.\nS3 is at {s3.endpoint}, with the bucket {BUCKET} and the keys "
        "MINIO_ROOT_USER and MINIO_ROOT_PASSWORD of .env.",
    )
    return [postgres, pgpool, mlflow]


def start_mlflow(stack: contextlib.ExitStack, arguments: argparse.Namespace) -> list[Service]:
    """Starts MLflow on SQLite, and says where it is.

    Raises:
        ServiceError: It does not start.
    """
    check_ports({"MLflow": arguments.mlflow_port})
    mlflow = stack.enter_context(MLflow(arguments.state, port=arguments.mlflow_port))
    print(f"MLflow is at {mlflow.endpoint}; runs with MLFLOW_TRACKING_URI={mlflow.endpoint} show.")
    return [mlflow]


def start_monitoring(stack: contextlib.ExitStack, arguments: argparse.Namespace) -> list[Service]:
    """Starts Prometheus and Alertmanager, and says where they are.

    Raises:
        ServerMissing: One is not installed.
        ServiceError: One does not start.
    """
    ports = {"Prometheus": arguments.prometheus_port, "Alertmanager": arguments.alertmanager_port}
    check_ports(ports)
    state = arguments.state
    alerts = stack.enter_context(Alertmanager(state / "alertmanager", ports["Alertmanager"]))
    prometheus = stack.enter_context(Prometheus(state / "prometheus", ports["Prometheus"]))
    print(f"Prometheus is at {prometheus.url}, Alertmanager at {alerts.url}.")
    if not (SETTINGS / SLACK_URL).exists():
        print(f"Nobody is told: write the address of Slack's webhook to {SETTINGS / SLACK_URL}.")
    return [alerts, prometheus]


def serve(arguments: argparse.Namespace) -> NoReturn:
    """Serves until a signal ends it.

    Raises:
        ServerMissing: Something is not installed.
        ServiceError: Something does not start, or ends by itself.
    """
    start = {"all": start_all, "mlflow": start_mlflow, "monitoring": start_monitoring}[
        arguments.what
    ]
    with reserve(arguments.state), contextlib.ExitStack() as stack:
        try:
            services = start(stack, arguments)
            print("Ctrl-C ends it.", flush=True)
            while True:
                time.sleep(0.5)
                for service in services:
                    service.check()
        finally:
            # A second Ctrl-C would leave servers behind.
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            signal.signal(signal.SIGTERM, signal.SIG_IGN)


def main() -> int:
    """Does what the command line says; returns the exit code."""
    arguments = parse_arguments()
    arguments.state = arguments.state.resolve()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        serve(arguments)
    except KeyboardInterrupt:
        return 0
    except (ServerMissing, RuntimeError) as error:
        print(error, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
