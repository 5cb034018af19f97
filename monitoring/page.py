"""The monitor's page."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from monitoring.scoring import Scores
from monitoring.state import State
from monitoring.verdict import (
    compare_routes,
    estimate,
    find_active,
    find_doubt,
    find_verdict,
    show_time,
    tell_troubles,
)
from monitoring.watched import Watched
from pipeline.report.templates import templates

_STYLES = {"As in training": "blessed", "Drifted": "refused"}


def render(
    state: State,
    watched: Mapping[int, Watched],
    faults: Mapping[int, str],
    scores: Scores,
    now: float,
) -> str:
    """Make the page.

    Args:
        state: what was counted.
        watched: the versions.
        faults: why others cannot be compared, by number.
        scores: by true labels.
        now: seconds since 1970.

    Returns:
        HTML that asks the browser for nothing beside itself.
    """
    verdict = find_verdict(state, watched, now)
    return (
        templates(Path(__file__).parent)
        .get_template("monitor.html.jinja")
        .render(
            state=state,
            verdict=verdict,
            style=_STYLES.get(verdict.word, ""),
            now=now,
            versions=list(find_active(state, watched)),
            routes=compare_routes(state, watched) + scores.compare(),
            scores=scores,
            troubles=tell_troubles(state, faults),
            estimate=estimate,
            find_doubt=find_doubt,
            show_time=show_time,
        )
    )
