"""Parts that all dashboards are made of."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from string import ascii_uppercase
from typing import NamedTuple, TypeVar

import yaml
from grafana_foundation_sdk.builders import common, dashboard, prometheus, statetimeline, timeseries
from grafana_foundation_sdk.models.common import GraphThresholdsStyleMode, VisibilityMode
from grafana_foundation_sdk.models.dashboard import (
    DashboardCursorSync,
    DashboardLinkType,
    DataSourceRef,
    FieldColorModeId,
    Threshold,
    ThresholdsMode,
)

_RULES = Path(__file__).parents[1] / "rules.yml"
_SOURCE = DataSourceRef(type_val="prometheus", uid="prometheus")  # as datasource.yml has it
_TAG = "visionpipe"
_GOOD, _BAD = "green", "red"
_WIDTH, _HEIGHT = 12, 8  # of 24 columns, and in rows of 30 pixels

Panel = timeseries.Panel | statetimeline.Panel
_Panel = TypeVar("_Panel", timeseries.Panel, statetimeline.Panel)


class Query(NamedTuple):
    """A question to Prometheus.

    Attributes:
        expression: in PromQL.
        legend: what a series is called, with its labels in `{{}}`.
    """

    expression: str
    legend: str


class Alert(NamedTuple):
    """An alert that fires above a value.

    Attributes:
        expression: what it looks at.
        threshold: the value.
    """

    expression: str
    threshold: float


def read_alert(name: str) -> Alert:
    """Read an alert of rules.yml, so that a panel shows the very thing that it looks at."""
    groups = yaml.safe_load(_RULES.read_text())["groups"]
    [rule] = [rule for group in groups for rule in group["rules"] if rule["alert"] == name]
    expression, threshold = " ".join(rule["expr"].split()).rsplit(" > ", 1)
    return Alert(expression, float(threshold))


def plot(
    title: str, unit: str, description: str, *queries: Query, line: float | None = None
) -> timeseries.Panel:
    """Plot numbers over time.

    Args:
        title: of the panel.
        unit: by Grafana's name.
        description: what the numbers mean, and what to do.
        queries: for the numbers, none of which is negative.
        line: a value that is marked by a line; None for no line.
    """
    panel = _fill(timeseries.Panel(), title, unit, description, queries).axis_soft_min(0)
    if line is None:
        return panel
    style = common.GraphThresholdsStyleConfig().mode(GraphThresholdsStyleMode.DASHED)
    marked = panel.thresholds(_colour(line, below=_GOOD, above=_BAD)).thresholds_style(style)
    return marked.axis_soft_max(line)


def show_states(
    title: str, description: str, *queries: Query, alarming: bool = False
) -> statetimeline.Panel:
    """Show over time what is 1 for yes and 0 for no.

    Args:
        title: of the panel.
        description: what a yes means, and what to do.
        queries: for the states.
        alarming: whether it is the yes that is bad.
    """
    no, yes = (_GOOD, _BAD) if alarming else (_BAD, _GOOD)
    panel = _fill(statetimeline.Panel(), title, "bool_yes_no", description, queries)
    panel.color_scheme(dashboard.FieldColor().mode(FieldColorModeId.THRESHOLDS))
    return panel.thresholds(_colour(1, below=no, above=yes)).show_value(VisibilityMode.AUTO)


def make_dashboard(name: str, description: str, panels: Iterable[Panel]) -> dashboard.Dashboard:
    """Arrange panels, two in a row, on a page that nobody edits and that leads to the others."""
    others = dashboard.DashboardLink("Dashboards").type(DashboardLinkType.DASHBOARDS).tags([_TAG])
    made = dashboard.Dashboard(f"Vision pipeline: {name}").uid(f"{_TAG}-{name}").tags([_TAG])
    made.description(description).link(others).readonly().tooltip(DashboardCursorSync.CROSSHAIR)
    made.time("now-6h", "now").refresh("30s")
    for number, panel in enumerate(panels, 1):
        made.with_panel(panel.id(number))
    return made


def _fill(
    panel: _Panel, title: str, unit: str, description: str, queries: Iterable[Query]
) -> _Panel:
    panel.title(title).unit(unit).description(description).datasource(_SOURCE)
    for letter, query in zip(ascii_uppercase, queries, strict=False):
        asked = prometheus.Dataquery().ref_id(letter).datasource(_SOURCE).range()
        panel.with_target(asked.expr(query.expression).legend_format(query.legend))
    return panel.span(_WIDTH).height(_HEIGHT)


def _colour(value: float, below: str, above: str) -> dashboard.ThresholdsConfig:
    steps = [Threshold(None, below), Threshold(value, above)]
    return dashboard.ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE).steps(steps)
