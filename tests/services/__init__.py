"""The servers of compose.yaml without containers: for `make services`, `make mlflow` and tests."""

from .mlflow_server import MLflow
from .pgpool import PgPool
from .postgres import PostgreSQL
from .process import Service, ServiceError

__all__ = ["MLflow", "PgPool", "PostgreSQL", "Service", "ServiceError"]
