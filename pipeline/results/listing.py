"""The runs of a PIPELINE_ROOT: what each was, what came of it, and what it did otherwise."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import tensorflow as tf

from models.provenance import Provenance, read_provenance
from models.registry import load_task
from pipeline.runs.history import Run, load_run
from pipeline.runs.store import known_runs
from pipeline.zoo.networks import tell_name

_DATA = "data"  # beside the fields of TrainingConfig: what was trained on
_UNTOLD = {"data_version"}  # which `data` tells as well


@dataclass(frozen=True)
class Listed:
    """A run in a list.

    Attributes:
        run: its id.
        begun: when its first step began.
        verdict: `blessed`, `refused`, or the state of the step that it came to.
        metric: the primary metric's key; empty where nothing was judged.
        value: of it; None where nothing was judged.
        figures: those that sum the model up, by their titles; empty where nothing was judged.
        curve: the validation's primary metric by epoch, or else its loss; empty without a training.
        model: architecture, encoder and weights; empty where there is no model.
        data: version or the beginning of the digest; empty where there is no model.
        duration: of all steps together.
        changed: what was set otherwise than in the run before, as `name old → new`.
    """

    run: str
    begun: datetime
    verdict: str
    metric: str
    value: float | None
    figures: dict[str, float]
    curve: tuple[float, ...]
    model: str
    data: str
    duration: timedelta
    changed: tuple[str, ...]


def list_runs(metadata_path: Path) -> list[Listed]:
    """Read all runs that came to a step, the oldest first.

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
        model = _read_model(run)
        config = {**model.config, _DATA: _digest(run)} if model else {}
        listed.append(_list(run, model, _changes(before, config)))
        before = config or before
    return listed


def differing(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """Return the names of what is other than before."""
    return [name for name, value in now.items() if value != before.get(name)]


def _list(run: Run, model: Provenance | None, changed: Sequence[str]) -> Listed:
    figures: dict[str, float] = {}
    curve: Sequence[float] = ()
    task = load_task(model.task) if model else None
    *_, last = run.steps.values()
    verdict = f"{last.name}: {last.state.lower()}"
    try:
        if task:
            curve = _curve(run.training_figures()["history"], task.primary)
        if run.output("Evaluator", "evaluation"):
            figures = run.metrics()
            verdict = "blessed" if run.blessed else "refused"
    except (OSError, KeyError, tf.errors.OpError):
        verdict += ", and its files are gone"
    metric = task.primary if task and figures else ""
    headline = task.headline(model.class_names) if task and model else {}
    return Listed(
        run=run.run_id,
        begun=min(step.begin for step in run.steps.values()),
        verdict=verdict,
        metric=metric,
        value=figures.get(metric),
        figures={
            one.title: figures[key]
            for key, one in headline.items()
            if key in figures and not one.of_class
        },
        curve=tuple(curve),
        model=tell_name(model) if model else "",
        data=(run.data_version or _digest(run)) if model else "",
        duration=sum((step.duration for step in run.steps.values()), timedelta()),
        changed=tuple(changed),
    )


def _read_model(run: Run) -> Provenance | None:
    """Return what was trained; None where no model is there to tell."""
    try:
        return read_provenance(run.model_path)
    except (KeyError, OSError, ValueError, tf.errors.OpError):
        return None


def _digest(run: Run) -> str:
    examples = run.output("ImportExampleGen", "examples")
    return examples.get_string_custom_property("digest")[:8] if examples else ""


def _curve(history: Mapping[str, Sequence[float]], primary: str) -> Sequence[float]:
    return history.get(f"val_{primary}") or history.get("val_loss") or ()


def _changes(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    if not before or not now:
        return []
    return [
        f"{name} {_show(before.get(name))} → {_show(now[name])}"
        for name in differing(before, now)
        if name not in _UNTOLD
    ]


def _show(value: Any) -> str:
    if isinstance(value, dict | list):
        return "other"
    return "none" if value is None else str(value)
