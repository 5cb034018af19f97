"""From what the monitor finds, through Prometheus and Alertmanager, to a Slack of ours."""

import json
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from monitoring.dashboards import write_dashboards
from monitoring.monitor import look
from monitoring.reading import Reading
from monitoring.scoring import Score, Scores, save_scores
from monitoring.serving import served
from tests.emulators.faults import Fault
from tests.emulators.googleapis import ServerMissing
from tests.emulators.http_service import Reply, Sent, Service
from tests.monitoring.traffic import RECIPE, ask, write_log
from tests.services.alerting import SETTINGS, SLACK_URL, Alertmanager, Prometheus, find_programs
from tests.serving.own_server import Running, running

WAIT = 120.0
# So that a test waits for seconds; what is told does not depend on it.
SOONER = {
    r"scrape_interval: \w+": "scrape_interval: 2s\n  scrape_timeout: 2s",
    r"evaluation_interval: \w+": "evaluation_interval: 1s",
    r"group_(wait|interval): \w+": r"group_\1: 1s",
    r"keep_firing_for: \w+": "keep_firing_for: 1s",
}


class Slack(Service):
    """Takes messages at an incoming webhook's address."""

    def __init__(self) -> None:
        super().__init__()
        self.messages: list[dict[str, Any]] = []

    def answer(self, sent: Sent) -> Reply:
        self.messages.append(json.load(sent.body)["attachments"][0])
        return Reply(body=b"ok")

    def refuse(self, fault: Fault) -> Reply:
        return Reply(fault.status, b"no")


@pytest.fixture(scope="module", autouse=True)
def programs() -> None:
    try:
        find_programs()
    except ServerMissing as missing:
        pytest.skip(f"{missing}; `make test-services` installs it where it may")


@pytest.fixture
def slack() -> Iterator[Slack]:
    with Slack() as service:
        yield service


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Running]:
    """A server of a classifier, which logs what it is asked."""
    from tests.serving.tiny_models import TinyClassifier, push

    (tmp_path / "served").mkdir()
    push(tmp_path / "served", 1, TinyClassifier())
    with running(tmp_path / "served", RECIPE, log=tmp_path / "server-log") as server:
        yield server


def settings(folder: Path, slack: Slack, **targets: str) -> Path:
    """Those of monitoring/, with other addresses and less patience."""
    folder.mkdir()
    for path in SETTINGS.glob("*.yml"):
        text = path.read_text()
        for pattern, sooner in SOONER.items():
            text = re.sub(pattern, sooner, text)
        for port, target in targets.items():
            text = text.replace(f"127.0.0.1:{port.removeprefix('port_')}", target)
        (folder / path.name).write_text(text)
    (folder / SLACK_URL).write_text(f"{slack.endpoint}/services/of-this-test")
    return folder


def wait_for_message(slack: Slack, number: int) -> dict[str, Any]:
    deadline = time.monotonic() + WAIT
    while len(slack.messages) <= number:
        assert time.monotonic() < deadline, slack.requests
        time.sleep(0.1)
    return slack.messages[number]


def query(prometheus: Prometheus, expression: str) -> list[dict[str, Any]]:
    """The series that an expression has now."""
    answer = httpx2.get(f"{prometheus.url}/api/v1/query", params={"query": expression}).json()
    assert answer["status"] == "success", answer
    return answer["data"]["result"]


def check_dashboards(prometheus: Prometheus, server: Running) -> None:
    """Every expression of a panel has a number, once requests come."""
    missing = {
        target["expr"]
        for text in write_dashboards().values()
        for panel in json.loads(text)["panels"]
        for target in panel["targets"]
    }
    assert len(missing) > 20
    deadline = time.monotonic() + WAIT
    while missing:
        assert time.monotonic() < deadline, missing
        server.ask([ask(1, 33)[0].image], f"/v1/models/{RECIPE}:predict")
        server.ask(["no image"], f"/v1/models/{RECIPE}:predict")
        time.sleep(0.2)
        for expression in sorted(missing):
            if any(one["value"][1] != "NaN" for one in query(prometheus, expression)):
                missing.remove(expression)


def test_the_rules_fire_when_they_are_to() -> None:
    for command in (
        ["promtool", "check", "config", SETTINGS / "prometheus.yml"],
        ["promtool", "test", "rules", SETTINGS / "rules_test.yml"],
        ["amtool", "check-config", SETTINGS / "alertmanager.yml"],
    ):
        subprocess.run(command, check=True, capture_output=True)


def test_drift_reaches_slack_and_so_does_its_end(
    models: Path, slack: Slack, server: Running, tmp_path: Path, just_now: float
) -> None:
    output, log = tmp_path / "output", tmp_path / "log"
    output.mkdir()
    labelled = Score(version=1, route="stable", images=200, figures={}, right=150, estimated=None)
    save_scores(output, Scores(scores=[labelled]))
    dark = ask(200, 31, lambda image: image.point(lambda value: value // 3), start=just_now)
    write_log(log, dark, "20260101T000000-1")
    reading = Reading(log, models, "", 200)
    assert look(reading, output, time.time()).word == "Drifted"
    slack.fault("answer", status=429)
    slack.fault("answer", status=404)
    with served(output, 0) as port:
        changed = settings(tmp_path / "settings", slack)
        with Alertmanager(tmp_path / "alertmanager", settings=changed) as alerts:
            shutil.rmtree(changed)
            targets = {
                "port_8011": f"127.0.0.1:{port}",
                "port_8501": server.url.split("//")[1],
                "port_9093": alerts.url.split("//")[1],
            }
            changed = settings(changed, slack, **targets)
            with Prometheus(tmp_path / "prometheus", settings=changed) as prometheus:
                fired = wait_for_message(slack, 0)
                assert fired["title"] == "cifar10 is asked about other images than it knows."
                assert fired["color"] == "danger"
                page = httpx2.get(f"http://127.0.0.1:{port}/").text
                assert fired["title_link"] == "http://127.0.0.1:8011/" and "Drifted" in page
                far = "visionpipe_monitor_distance > visionpipe_monitor_threshold"
                features = {one["metric"]["feature"] for one in query(prometheus, far)}
                assert "brightness" in features
                check_dashboards(prometheus, server)
                write_log(log, ask(200, 32, start=just_now + 300), "20260101T000500-1")
                assert look(reading, output, time.time()).healthy
                over = wait_for_message(slack, 1)
                assert over["title"] == f"Over: {fired['title']}" and over["color"] == "good"
    assert [request.status for request in slack.requests[:3]] == [429, 404, 200]
    assert "of-this-test" not in (tmp_path / "alertmanager" / "log.txt").read_text()


def test_one_cause_is_one_message(slack: Slack, tmp_path: Path) -> None:
    def alert(name: str, **labels: str) -> dict[str, Any]:
        return {
            "labels": {"alertname": name, **labels},
            "annotations": {"summary": f"{name}.", "description": f"{name}, in full."},
        }

    of_a_model = {"model": "tires", "version": "7"}
    changed = settings(tmp_path / "settings", slack)
    with Alertmanager(tmp_path / "alertmanager", settings=changed) as alerts:
        sent = [
            alert("InputsDrifted", **of_a_model),
            alert("AnswersDrifted", **of_a_model),
            alert("ServerDown", job="server"),
            alert("NoRequests", model="cats"),
            alert("AnswersDrifted", model="dogs", version="1"),
        ]
        httpx2.post(f"{alerts.url}/api/v2/alerts", json=sent).raise_for_status()
        wait_for_message(slack, 2)
        time.sleep(2)  # for what is not to come
    titles = {message["title"] for message in slack.messages}
    assert titles == {"InputsDrifted.", "ServerDown.", "AnswersDrifted."}
    told = {message["text"].strip() for message in slack.messages}
    assert told == {f"{title}, in full.".replace(".,", ",") for title in titles}
