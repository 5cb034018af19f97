"""How busy the machine is while a run goes on, by the names that MLflow's own monitor has."""

from __future__ import annotations

import contextlib
import threading
from typing import Any

import psutil

from tracking.journal import Journal

_INTERVAL = 10.0  # seconds, as MLflow's own
_MB = 1e6


class MachineMetrics(threading.Thread):
    """Adds the machine's figures to a journal, every few seconds until it is told to stop.

    MLflow's own monitor sends them past the journal, and so loses them when the server is away.

    Args:
        journal: of the run that goes on.
    """

    def __init__(self, journal: Journal) -> None:
        super().__init__(name="machine-metrics", daemon=True)
        self._journal = journal
        self._ending = threading.Event()

    def run(self) -> None:
        """Return the thread's work."""
        began = psutil.net_io_counters()
        psutil.cpu_percent()  # the first call begins to measure
        step = 0
        while not self._ending.wait(_INTERVAL if step else 1.0):
            with contextlib.suppress(OSError):
                self._journal.metrics(_figures(began), step)
            step += 1

    def finish(self) -> None:
        """Has it stop."""
        self._ending.set()
        self.join()


def _figures(began: Any) -> dict[str, float]:
    memory, disk = psutil.virtual_memory(), psutil.disk_usage("/")
    network = psutil.net_io_counters()
    figures = {
        "cpu_utilization_percentage": psutil.cpu_percent(),
        "system_memory_usage_megabytes": memory.used / _MB,
        "system_memory_usage_percentage": memory.percent,
        "disk_usage_megabytes": disk.used / _MB,
        "disk_usage_percentage": disk.percent,
        "disk_available_megabytes": disk.free / _MB,
        "network_receive_megabytes": (network.bytes_recv - began.bytes_recv) / _MB,
        "network_transmit_megabytes": (network.bytes_sent - began.bytes_sent) / _MB,
    }
    return {f"system/{name}": value for name, value in figures.items()}
