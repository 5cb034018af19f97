"""What goes on in the background of a run."""

import threading
from pathlib import Path
from typing import TYPE_CHECKING

from tests.tracking.conftest import opened
from tests.tracking.faulty_proxy import FaultyProxy
from tests.tracking.test_delivery import points, recorded
from tracking.config import TrackingConfig
from tracking.journal import Journal
from tracking.machine import MachineMetrics
from tracking.sender import Sender

if TYPE_CHECKING:
    from mlflow import MlflowClient

LONG = 120  # seconds, on a machine that is busy with other tests


def test_a_run_and_those_before_it_are_sent_while_it_goes_on(
    journal: Journal,
    config: TrackingConfig,
    tmp_path: Path,
    client: "MlflowClient",
    experiment: str,
) -> None:
    earlier = opened(tmp_path, "2026-11-28T12-00-00", experiment)
    earlier.close("KILLED")
    sender = Sender(config, tmp_path, journal)
    sender.start()
    machine = MachineMetrics(journal)
    machine.start()
    waited = threading.Event()
    while not earlier.state.finished:
        assert not waited.wait(0.1) and sender.is_alive(), sender.problem
    journal.metrics({"loss": 0.5}, step=3)
    while not any("system/cpu_utilization_percentage" in str(one) for one in journal.events()):
        waited.wait(0.1)
    machine.finish()
    journal.close("FINISHED")
    sender.finish(LONG)
    status = {run.info.run_name: run for run in recorded(client, experiment)}
    run = status["2026-11-29T12-00-00"]
    assert run.info.status == "FINISHED"
    assert status["2026-11-28T12-00-00"].info.status == "KILLED"
    assert points(client, run, "loss") == [(3, 0.5)]
    assert 0 <= run.data.metrics["system/cpu_utilization_percentage"] <= 100


def test_the_end_waits_no_longer_than_it_is_told_to(
    journal: Journal, config: TrackingConfig, tmp_path: Path, proxy: FaultyProxy
) -> None:
    proxy.turn("hang")
    sender = Sender(config, tmp_path, journal)
    sender.start()
    sender.finish(0.0)
    assert journal.waiting == 1
    assert sender.daemon, "the process would wait for it"
    sender.join(LONG)
    assert sender.problem == f"MLflow at {proxy.address} does not answer in time."


def test_a_server_that_fails_is_left_alone_for_a_while(
    journal: Journal, config: TrackingConfig, tmp_path: Path, proxy: FaultyProxy
) -> None:
    proxy.turn("fail")
    sender = Sender(config, tmp_path, journal)
    sender.start()
    waited = threading.Event()
    while not sender.problem:
        waited.wait(0.05)
    asked = proxy.requests
    for step in range(50):
        journal.metrics({"loss": 0.5}, step)
    assert proxy.requests == asked
    proxy.turn("pass")
    journal.close("FINISHED")
    sender.finish(LONG)
    assert journal.state.finished
