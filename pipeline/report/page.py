"""The report's page: gathers what a run left and fills the template with it."""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from tfx.types import Artifact

from components.artifacts import examples as ingested
from components.artifacts import samples
from components.artifacts.evaluations import load_evaluation
from models.provenance import read_provenance
from models.registry import FIRST_TASK, load_task
from pipeline.report import data
from pipeline.report.operating import operating
from pipeline.report.templates import templates
from pipeline.runs.history import Run, Step
from pipeline.runs.store import file_stem

_VALIDATION = "val_"
_ENDED = ("COMPLETE", "CACHED")


@dataclass(frozen=True)
class Verdict:
    """What the run came to.

    Attributes:
        word: Blessed, Refused or Not judged.
        reasons: why, a sentence or clause each.
    """

    word: str
    reasons: list[str]

    @property
    def style(self) -> str:
        """CSS class."""
        return self.word.lower().replace(" ", "-")


def render(run: Run) -> str:
    """Make the page.

    Returns:
        HTML that asks the browser for nothing beside itself.
    """
    examples = run.output("ImportExampleGen", "examples")
    statistics = run.output("StatisticsGen", "statistics")
    found = run.output("ExampleValidator", "anomalies")
    model = run.output("Trainer", "model")
    judged = run.output("Evaluator", "evaluation")

    config = training_config(run)
    evaluation = load_evaluation(judged.uri) if judged else None
    training = run.training_figures() if model else None
    sliced_by = [feature for feature in evaluation.slices if feature] if evaluation else []
    digest = ingested.digest(examples) if examples else "not read"
    took, steps = timeline(run)
    return (
        templates()
        .get_template("page.html.jinja")
        .render(
            run=run,
            verdict=verdict(run),
            config=config,
            evaluation=evaluation,
            threshold=operating(config, evaluation),
            same_as_baseline=_same_as_baseline(run),
            training=training,
            curves=curves(training["history"]) if training else {},
            task=load_task(config.get("task", FIRST_TASK)) if config else None,
            training_logs=run.uri("Trainer", "model_run") if training else "",
            labelled=_labelled(run, examples),
            edge=run.edge_figures(),
            samples=samples.load_samples(run.model_path, examples, sliced_by) if model else None,
            scan_limit=samples.SCANNED,
            splits=run.num_examples() if statistics else {},
            features=data.features(statistics) if statistics else [],
            anomalies=data.anomalies(found) if found else None,
            data_digest=digest,
            settings=settings(run, config, digest),
            took=took,
            steps=steps,
        )
    )


def _labelled(run: Run, examples: Artifact | None) -> dict[str, bytes]:
    """Training images with their truth, drawn as the trained model's configuration says."""
    if examples is None or run.output("Trainer", "model") is None:
        return {}
    return samples.load_training(examples, read_provenance(run.model_path))


def verdict(run: Run) -> Verdict:
    """Return the run's verdict, or what kept it from one, and what went wrong after it."""
    log = f"logs/{file_stem(run.run_id)}.log"
    troubles = [
        f"{step.name} failed: see {log}"
        if step.state == "FAILED"
        else f"{step.name} has not finished, or was killed"
        for step in run.steps.values()
        if step.state not in _ENDED
    ]
    if run.output("Evaluator", "blessing") is None:
        return Verdict("Not judged", troubles or ["the run ended before its Evaluator"])
    if run.blessed:
        return Verdict("Blessed", ["every condition of the gate is met", *troubles])
    return Verdict("Refused", [*run.refusals(), *troubles])


def training_config(run: Run) -> dict[str, Any]:
    """Every setting of the training: what the Trainer was told, and what it made of it."""
    if "Trainer" not in run.steps:
        return {}
    config = json.loads(run.steps["Trainer"].properties["custom_config"])["training"]
    if run.output("Trainer", "model"):
        config |= read_provenance(run.model_path).config
    return config


def settings(run: Run, config: dict[str, Any], digest: str) -> dict[str, dict[str, Any]]:
    """Return what the run was made with, by heading."""
    groups = {
        "Training": {name: value for name, value in config.items() if value not in (None, "")},
        "Data": {
            "folder": run.steps["ImportExampleGen"].properties["input_base"],
            **({"version": version} if (version := run.data_version) else {}),
            "digest": digest,
        },
        "Model": {
            "trained": run.model_path if run.output("Trainer", "model") else "no",
            "pushed to": run.pushed_model or "not pushed",
            **({"published": run.publication["url"]} if run.publication else {}),
        },
        "Code and machine": run.facts,
    }
    return {title: values for title, values in groups.items() if values}


def curves(history: dict[str, list[float]]) -> dict[str, dict[str, list[float]]]:
    """Keras' history by figure: its lines `training` and, where there is one, `validation`."""
    return {
        name: {
            line: history[key]
            for line, key in (("training", name), ("validation", _VALIDATION + name))
            if key in history
        }
        for name in history
        if not name.startswith(_VALIDATION)
    }


def timeline(run: Run) -> tuple[timedelta, list[tuple[Step, float, float]]]:
    """Tell how long a run took, and each step with where in that it began and ended, 0..1."""
    steps = run.steps.values()
    begin = min(step.begin for step in steps)
    took = max(step.begin + step.duration for step in steps) - begin

    def place(moment: datetime) -> float:
        return (moment - begin) / took if took else 0.0

    return took, [(step, place(step.begin), place(step.begin + step.duration)) for step in steps]


def _same_as_baseline(run: Run) -> bool:
    """Tell whether the model was compared with itself, as when nothing has changed since."""
    inputs = run.steps["Evaluator"].inputs if "Evaluator" in run.steps else {}
    return "baseline_model" in inputs and inputs["baseline_model"].id == inputs["model"].id
