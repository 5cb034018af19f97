"""MLflow's server, on SQLite or on PostgreSQL."""

import json
import os
import signal
import sys
import urllib.request
from pathlib import Path
from typing import Any

from tests.ports import free_port

from .process import Service

# As compose.yaml has them.
SETTINGS = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",  # seven processes for what is not used here
    # The server answers up to 40 requests at once, and some take a second connection beside the one
    # that they hold. With 15, which is the default, 20 runs that log at once are refused.
    "MLFLOW_SQLALCHEMYSTORE_POOL_SIZE": "20",
    "MLFLOW_SQLALCHEMYSTORE_MAX_OVERFLOW": "60",
}


class MLflow(Service):
    """MLflow on 127.0.0.1, which keeps artifacts in a folder and serves them: clients need no keys.

    Args:
        folder: For artifacts, a log and, without `database`, runs in SQLite.
        database: PostgreSQL's address.
        port: 0 takes a free one.

    Raises:
        ServiceError: It does not start.
    """

    end_signal = signal.SIGTERM  # with SIGINT it would go on

    def __init__(self, folder: Path, database: str = "", port: int = 0) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.port = port or free_port()
        self.endpoint = f"http://127.0.0.1:{self.port}"
        store = database.replace("postgresql:", "postgresql+psycopg:", 1)
        # What a client of MLflow is told in this shell is not for the server.
        inherited = {key: told for key, told in os.environ.items() if key[:7] != "MLFLOW_"}
        # It holds a password, which a command line would show to all.
        address = {"MLFLOW_BACKEND_STORE_URI": store or f"sqlite:///{folder}/mlflow.db"}
        options = {
            "host": "127.0.0.1",
            "port": self.port,
            "workers": 1,
            "artifacts-destination": folder / "artifacts",
        }
        words = [f"--{name}={value}" for name, value in options.items()]
        super().__init__(
            "MLflow",
            [sys.executable, "-m", "mlflow", "server", *words],
            folder,
            self._answers,
            environment=inherited | SETTINGS | address,
            secret=store.partition(":")[2],
        )

    def runs(self) -> list[dict[str, Any]]:
        """All runs, in the form of their JSON, the newest first."""
        experiments = self._ask("experiments/search", max_results=100)["experiments"]
        ids = [experiment["experiment_id"] for experiment in experiments]
        return self._ask("runs/search", experiment_ids=ids)["runs"]

    def _ask(self, what: str, **asked: Any) -> Any:
        address = f"{self.endpoint}/api/2.0/mlflow/{what}"
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(address, json.dumps(asked).encode(), headers)
        with urllib.request.urlopen(request, timeout=60) as reply:
            return json.load(reply)

    def _answers(self) -> bool:
        # The first answer from the database takes seconds, which the first client would wait for.
        request = "api/2.0/mlflow/experiments/get-by-name?experiment_name=Default"
        with urllib.request.urlopen(f"{self.endpoint}/{request}", timeout=60) as reply:
            return reply.status == 200
