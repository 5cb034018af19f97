"""The load test: figures, and an exit code that tells whether anything failed."""

import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import psutil
import pytest

from serving import config
from serving.load import Result
from tests.conftest import REPOSITORY, Workplace
from tests.emulators.model_server import ServingEmulator
from tests.ports import free_ports
from tests.serving.processes import install_binary, running


def test_all_are_answered(workplace: Workplace, server: ServingEmulator, photo: Path) -> None:
    done = workplace.run(
        f"python -m serving load {photo} {photo} --url {server.url} --requests 20 --concurrency 3 "
        "--batch 8"
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert server.rest.predictions == 20
    rows = dict(line.strip("│").split("│") for line in done.stdout.splitlines() if "│" in line)
    figures = {name.strip(): value.split() for name, value in rows.items()}
    assert figures["requests answered"] == ["20"]
    assert 0 < float(figures["p50"][0]) <= float(figures["p99"][0])
    requests, images = float(figures["throughput"][0]), float(figures[""][0])
    assert images == pytest.approx(8 * requests, abs=0.5)


def test_failures_are_counted_by_kind(
    workplace: Workplace, server: ServingEmulator, photo: Path
) -> None:
    server.rest.faults.extend([(500, {}, "Internal")] * 2)
    done = workplace.run(f"python -m serving load {photo} --url {server.url} --requests 5")
    assert done.returncode == 1
    assert "failed: server failed │ 2" in done.stdout
    assert "requests answered     │ 3" in done.stdout
    assert "failed at" in done.stderr and len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("flag", ["--requests 0", "--concurrency -1", "--batch 0", "--timeout 0"])
def test_nothing_to_do_is_refused(workplace: Workplace, photo: Path, flag: str) -> None:
    done = workplace.run(f"python -m serving load {photo} {flag}")
    assert done.returncode == 2
    assert "is not above 0" in done.stderr


def test_the_server_is_killed_meanwhile(workplace: Workplace, pushed: Path, photo: Path) -> None:
    config.write(pushed, config.build(pushed, "scenes", {1}, {"stable": 1}))
    rest, grpc = free_ports(2)
    install_binary(workplace.folder / "bin")
    environment = workplace.environment()
    environment["PATH"] = f"{workplace.folder}/bin:{environment['PATH']}"
    start = f"serving start --serving-dir {pushed} --rest-port {rest} --grpc-port {grpc}"
    command = [sys.executable, "-m", *start.split()]
    asked = f"{photo} --url http://127.0.0.1:{rest} --requests 1500 --concurrency 1"
    with running(command, rest, environment) as server:
        load = subprocess.Popen(
            [sys.executable, "-m", "serving", "load", *asked.split()],
            cwd=REPOSITORY,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        client = psutil.Process(load.pid)
        while not any(one.raddr for one in client.net_connections()):
            time.sleep(0.01)
        server.kill()
        output, errors = load.communicate(timeout=600)
    assert load.returncode == 1
    assert "failed: no connection" in output
    assert "does not answer" in errors


def test_percentiles() -> None:
    result = Result([number / 100 for number in range(101)], Counter(), None, 1, 1.0)
    assert result.percentile(50) == pytest.approx(0.50)
    assert result.percentile(99) == pytest.approx(0.99)
    assert Result([0.25], Counter(), None, 1, 1.0).percentile(99) == 0.25
