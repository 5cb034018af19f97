"""The replicas of a custom job, each a process of this machine in place of a container."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from google.protobuf.message import Message

from tests.ports import free_ports

# What TensorFlow calls the machines of the first pool, the second and so on.
ROLES = ("chief", "worker", "ps", "evaluator")
POLL_SECONDS = 0.05
GRACE_SECONDS = 10
LOG_LINES = 20


@dataclass(frozen=True, eq=False)  # each is its own
class Replica:
    """One replica of a worker pool.

    Args:
        pool: The number of its pool.
        index: Its own number in the pool.
        address: The host and port that are its own in the cluster.
        container: Its google.cloud.aiplatform.v1.ContainerSpec.
    """

    pool: int
    index: int
    address: str
    container: Message

    @property
    def name(self) -> str:
        return f"workerpool{self.pool}-{self.index}"


def replicas_of(spec: Message) -> list[Replica]:
    """The replicas that a CustomJobSpec asks for, the chief first."""
    pools = [
        (pool, index, worker_pool.container_spec)
        for pool, worker_pool in enumerate(spec.worker_pool_specs)
        for index in range(worker_pool.replica_count)
    ]
    addresses = [f"127.0.0.1:{port}" for port in free_ports(len(pools))]
    return [
        Replica(pool, index, address, container)
        for (pool, index, container), address in zip(pools, addresses, strict=True)
    ]


def cluster_of(replica: Replica, replicas: list[Replica]) -> dict[str, str]:
    """What tells a replica of several where the others are: CLUSTER_SPEC and TF_CONFIG."""
    if len(replicas) == 1:
        return {}
    variables = {}
    pools = [f"workerpool{number}" for number in range(len(ROLES))]
    for variable, names in (("CLUSTER_SPEC", pools), ("TF_CONFIG", ROLES)):
        cluster: dict[str, list[str]] = {}
        for other in replicas:
            cluster.setdefault(names[other.pool], []).append(other.address)
        task = {"type": names[replica.pool], "index": replica.index}
        variables[variable] = json.dumps({"cluster": cluster, "task": task, "environment": "cloud"})
    return variables


def run_replicas(
    replicas: list[Replica], environment: Mapping[str, str], logs: Path, stop: threading.Event
) -> str | None:
    """Runs replicas until the chief has ended, one of them has failed, or it is to stop.

    Args:
        replicas: What is run.
        environment: What all processes have in their environment.
        logs: The folder that gets a log for each.
        stop: Ends them when set.

    Returns:
        What went wrong, as the service says it, or None.
    """
    logs.mkdir(parents=True, exist_ok=True)
    processes: dict[Replica, subprocess.Popen[bytes]] = {}
    try:
        for replica in replicas:
            log = logs / f"{replica.name}.log"
            variables = {
                **environment,
                **cluster_of(replica, replicas),
                **{variable.name: variable.value for variable in replica.container.env},
            }
            try:
                processes[replica] = _start(replica, variables, log)
            except OSError as error:
                return f"The replica {replica.name} could not be started: {error}."
        while not stop.wait(POLL_SECONDS):
            for replica, process in processes.items():
                if process.poll():
                    return _failure(replica, process.returncode, logs / f"{replica.name}.log")
            if processes[replicas[0]].returncode == 0:
                return None
        return None
    finally:
        for process in processes.values():
            _end(process)


def _start(replica: Replica, variables: dict[str, str], log: Path) -> subprocess.Popen[bytes]:
    program, *arguments = [*replica.container.command, *replica.container.args]
    with log.open("wb") as output:
        return subprocess.Popen(
            [sys.executable if program == "python" else program, *arguments],
            env=variables,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )


def _end(process: subprocess.Popen[bytes]) -> None:
    for number in (signal.SIGTERM, signal.SIGKILL):
        # All that it has started ends with it.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(GRACE_SECONDS)


def _failure(replica: Replica, status: int, log: Path) -> str:
    lines = [line for line in log.read_text(errors="replace").splitlines() if line.strip()]
    last = "".join(f"\n{line}" for line in lines[-LOG_LINES:])
    return (
        f"The replica {replica.name} exited with a non-zero status of "
        f"{status if status > 0 else 128 - status}. Termination reason: Error.{last}\n"
        f"To find out more about why your job exited please check the logs: {log}"
    )
