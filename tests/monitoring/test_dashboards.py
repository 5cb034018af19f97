"""Grafana's dashboards: what they ask, and what they say. test_alerts.py asks Prometheus."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from monitoring.dashboards import write_dashboards
from monitoring.gauges import write_gauges
from monitoring.scoring import Scores
from monitoring.state import State
from tests.services.alerting import SETTINGS

PANELS: dict[str, dict[str, Any]] = {
    panel["title"]: panel
    for text in write_dashboards().values()
    for panel in json.loads(text)["panels"]
}


@pytest.fixture
def exported(tmp_path: Path) -> set[str]:
    """The names of all metrics of the server and the monitor."""
    from serving.gateway.metrics import Metrics
    from serving.log.writer import LogWriter

    log = LogWriter(tmp_path, 100, 10**6, print)
    text = Metrics([], log).write().decode() + write_gauges(State(model="tires"), {}, Scores())
    log.close()
    names = set()
    for name, kind in re.findall(r"^# TYPE (\w+) (\w+)$", text, re.M):
        parts = ("_bucket", "_sum", "_count") if kind == "histogram" else ("",)
        names |= {name + part for part in parts}
    return names


def test_a_panel_asks_for_nothing_that_nobody_exports(exported: set[str]) -> None:
    asked = {
        name
        for panel in PANELS.values()
        for target in panel["targets"]
        for name in re.findall(r"\b(?:visionpipe|process)_\w+", target["expr"])
    }
    assert len(asked) > 15 and asked <= exported


def test_a_panel_says_what_it_shows_and_what_to_do() -> None:
    assert len(PANELS) == sum(text.count('"gridPos"') for text in write_dashboards().values())
    for title, panel in PANELS.items():
        assert panel["fieldConfig"]["defaults"]["unit"], title
        assert len(panel["description"].split(". ")) >= 2, title


def test_the_line_of_a_panel_is_where_its_alert_fires() -> None:
    groups = yaml.safe_load((SETTINGS / "rules.yml").read_text())["groups"]
    rules = {
        rule["alert"]: " ".join(rule["expr"].split()) for group in groups for rule in group["rules"]
    }
    for title, alert in {
        "Failed requests": "ServerErrors",
        "Time since the last request": "NoRequests",
    }.items():
        panel = PANELS[title]
        [line] = [
            step["value"]
            for step in panel["fieldConfig"]["defaults"]["thresholds"]["steps"]
            if step["value"] is not None
        ]
        expression = panel["targets"][0]["expr"].split(" or 0 *")[0]
        assert f"{expression} > {line:g}" == rules[alert]
