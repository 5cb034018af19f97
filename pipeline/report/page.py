"""The report's page: gathers what a run left and fills the template with it."""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import jinja2

from models.signatures import PROVENANCE
from pipeline.report import charts, data, figures, overlays, words
from pipeline.runs import Run, Step

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
    """Makes the page.

    Returns:
        HTML that asks the browser for nothing beside itself.
    """
    config = training_config(run)
    evaluation = None
    if run.has("Evaluator"):
        uri = str(run.uri("Evaluator", "evaluation"))
        evaluation = figures.load_evaluation(uri, config["class_names"])
    trained = run.has("Trainer")
    training = run.training_figures() if trained else None
    digest = ""
    if run.has("ImportExampleGen"):
        digest = data.digest(run.steps["ImportExampleGen"].outputs["examples"])
    took, steps = timeline(run)
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= words.FILTERS
    return environment.get_template("page.html.jinja").render(
        run=run,
        verdict=verdict(run),
        config=config,
        evaluation=evaluation,
        same_as_baseline=_same_as_baseline(run),
        training=training,
        curves=curves(training["history"]) if training else {},
        overlays=overlays.load_overlays(
            run.model_path,
            run.steps["ImportExampleGen"].outputs["examples"],
            config["class_names"],
            config["palette"],
            [feature for feature in evaluation.slices if feature] if evaluation else [],
        )
        if trained
        else None,
        scan_limit=overlays.SCANNED,
        splits=run.num_examples() if run.has("StatisticsGen") else {},
        features=data.features(run.steps["StatisticsGen"].outputs["statistics"])
        if run.has("StatisticsGen")
        else [],
        anomalies=data.anomalies(run.steps["ExampleValidator"].outputs["anomalies"])
        if run.has("ExampleValidator")
        else None,
        data_digest=digest,
        settings=settings(run, config, digest),
        took=took,
        steps=steps,
        line_chart=charts.line_chart,
        bar=charts.bar,
    )


def verdict(run: Run) -> Verdict:
    """The Evaluator's verdict, or what kept it from one."""
    if run.has("Evaluator"):
        if run.blessed:
            return Verdict("Blessed", ["every condition of the gate is met"])
        return Verdict("Refused", run.refusals())
    for step in run.steps.values():
        if step.state == "FAILED":
            return Verdict("Not judged", [f"{step.name} failed; the run's log has the reason"])
        if step.state not in _ENDED:
            return Verdict("Not judged", [f"{step.name} has not finished, or was killed"])
    return Verdict("Not judged", ["the run ended before its Evaluator"])


def training_config(run: Run) -> dict[str, Any]:
    """Every setting of the training: what the Trainer was told, and what it made of it."""
    if "Trainer" not in run.steps:
        return {}
    config = json.loads(run.steps["Trainer"].properties["custom_config"])["training"]
    if run.has("Trainer"):
        made = json.loads(Path(run.model_path, "assets.extra", PROVENANCE).read_text())
        config |= {name: value for name, value in made.items() if name != "training"}
    return config


def settings(run: Run, config: dict[str, Any], digest: str) -> dict[str, dict[str, Any]]:
    """What the run was made with, by heading."""
    given = run.steps["ImportExampleGen"].properties
    groups = {
        "Training": config,
        "Data": {"folder": given["input_base"], "digest": digest or "not read"},
        "Model": {
            "trained": run.model_path if run.has("Trainer") else "",
            "pushed to": run.pushed_model if run.has("Pusher") else "",
        },
        "Code and machine": run.facts,
    }
    groups["Model"] = {name: path for name, path in groups["Model"].items() if path}
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
    """How long a run took, and each step with where in that it began and ended, 0..1."""
    steps = run.steps.values()
    begin = min(step.begin for step in steps)
    took = max(step.begin + step.duration for step in steps) - begin

    def place(moment: datetime) -> float:
        return (moment - begin) / took if took else 0.0

    return took, [(step, place(step.begin), place(step.begin + step.duration)) for step in steps]


def _same_as_baseline(run: Run) -> bool:
    """Whether the model was compared with itself, as when nothing has changed since."""
    inputs = run.steps["Evaluator"].inputs if "Evaluator" in run.steps else {}
    return "baseline_model" in inputs and inputs["baseline_model"].id == inputs["model"].id
