"""The runs of a PIPELINE_ROOT: what each was, what came of it, and what it did otherwise."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import tensorflow as tf

from models.provenance import read_provenance
from models.registry import load_task
from pipeline.runs.history import Run, load_run
from pipeline.runs.store import known_runs

_DATA = "data"  # beside the fields of TrainingConfig: what was trained on
_UNTOLD = {"data_version"}  # which `data` tells as well


@dataclass(frozen=True)
class Listed:
    """A run in a list.

    Attributes:
        run: its id.
        verdict: `blessed`, `refused`, or the state of the step that it came to.
        metric: the primary metric's key; empty where nothing was judged.
        value: of it; None where nothing was judged.
        duration: of all steps together.
        changed: what was set otherwise than in the run before, as `name old → new`.
    """

    run: str
    verdict: str
    metric: str
    value: float | None
    duration: timedelta
    changed: tuple[str, ...]


def list_runs(metadata_path: Path) -> list[Listed]:
    """Reads all runs that came to a step, the oldest first.

    Raises:
        ValueError: there is none.
    """
    listed: list[Listed] = []
    before: dict[str, Any] = {}
    for run_id in known_runs(metadata_path):
        try:
            run = load_run(metadata_path, run_id)
        except ValueError:  # it ended before its first step
            continue
        config = _read_config(run)
        listed.append(_list(run, config, _differences(before, config)))
        before = config or before
    return listed


def _list(run: Run, config: dict[str, Any], changed: Sequence[str]) -> Listed:
    duration = sum((step.duration for step in run.steps.values()), timedelta())
    metric, value = "", None
    *_, last = run.steps.values()
    verdict = f"{last.name}: {last.state.lower()}"
    try:
        if run.output("Evaluator", "evaluation"):
            metric = load_task(config["task"]).primary if config else ""
            value = run.metrics().get(metric)
            verdict = "blessed" if run.blessed else "refused"
    except (OSError, KeyError, tf.errors.OpError):
        verdict += ", and its files are gone"
    return Listed(run.run_id, verdict, metric, value, duration, tuple(changed))


def _read_config(run: Run) -> dict[str, Any]:
    """What was trained, and on which data; empty where no model is there to tell."""
    try:
        config = read_provenance(run.model_path).config
    except (KeyError, OSError, ValueError, tf.errors.OpError):
        return {}
    examples = run.output("ImportExampleGen", "examples")
    digest = examples.get_string_custom_property("digest")[:8] if examples else ""
    return {**config, _DATA: digest}


def _differences(before: dict[str, Any], now: dict[str, Any]) -> list[str]:
    if not before or not now:
        return []
    return [
        f"{name} {_show(before.get(name))} → {_show(value)}"
        for name, value in now.items()
        if name not in _UNTOLD and value != before.get(name)
    ]


def _show(value: Any) -> str:
    if isinstance(value, dict | list):
        return "other"
    return "none" if value is None else str(value)
