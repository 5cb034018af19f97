"""A look at the log: counts what is new, and says what came of it."""

from __future__ import annotations

from pathlib import Path

from monitoring.gauges import write_gauges
from monitoring.page import render
from monitoring.reading import Reading
from monitoring.scoring import load_scores
from monitoring.state import load_state, save_state, write_whole
from monitoring.verdict import Verdict, find_verdict

PAGE, GAUGES = "monitor.html", "monitor.prom"


def look(reading: Reading, output: Path, now: float) -> Verdict:
    """Count what is new, and write the page and the gauges.

    Args:
        reading: of the log.
        output: folder of all that is kept and written, which this process has reserved.
        now: seconds since 1970.

    Raises:
        ServingError: the log or what was kept cannot be used. What was written before stays.
    """
    state = load_state(output, reading.name)
    reading.read(state, now)
    scores = load_scores(output)
    page = render(state, reading.watched, reading.faults, scores, now)
    gauges = write_gauges(state, reading.watched, scores)
    save_state(output, state)
    write_whole(output / PAGE, page)
    write_whole(output / GAUGES, gauges)
    return find_verdict(state, reading.watched, now)
