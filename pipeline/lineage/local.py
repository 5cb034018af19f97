"""The chain of a run on the local engine, read back from its metadata store."""

import json
from pathlib import Path
from typing import Any

import tensorflow as tf
from tfx.types.artifact_utils import decode_split_names

from pipeline.lineage.chain import Lineage, Origin
from pipeline.report.page import Verdict, verdict
from pipeline.runs import history
from pipeline.runs.history import Run

# What TFMA, which asserts that its files are there, and our own readers raise beside TensorFlow.
_MISSING = (AssertionError, OSError, ValueError, LookupError)


def trace(metadata_path: Path, run_id: str) -> Lineage:
    """Read the chain.

    Args:
        metadata_path: the SQLite file.
        run_id: a run of it.

    Raises:
        ValueError: nothing is recorded of the run's steps.
    """
    run = history.load_run(metadata_path, run_id)
    trained_by = None
    if run.trained_by:
        same = run.trained_by == run_id
        trained_by = _origin(run if same else history.load_run(metadata_path, run.trained_by))
    model = run.output("Trainer", "model")
    examples = run.output("ImportExampleGen", "examples")
    judged = Verdict(_verdict(run), [])
    figures: dict[str, float] = {}
    hyperparameters = unread = ""
    try:
        judged = verdict(run)
        if run.output("Evaluator", "evaluation"):
            figures = run.metrics()
        if found := run.hyperparameters():
            hyperparameters = str(found)
    except (*_MISSING, tf.errors.OpError) as error:
        why = str(error) or "files are missing"
        unread = f"What run {run_id} left is no longer whole: {why}"
    return Lineage(
        run=_origin(run),
        trained_by=trained_by,
        data_root=_properties(run, "ImportExampleGen").get("input_base", ""),
        examples={
            "digest": examples.get_string_custom_property("digest"),
            "data_version": run.data_version,
            **{
                name: examples.get_int_custom_property(name)
                for name in map("images_{}".format, decode_split_names(examples.split_names))
            },
        }
        if examples
        else {},
        told=json.loads(_properties(run, "Trainer").get("custom_config", "{}")),
        hyperparameters=hyperparameters,
        model=model.uri if model else "",
        figures=figures,
        verdict=judged.word.lower(),
        reasons=judged.reasons,
        edge=run.edge_model,
        pushed=run.pushed_model,
        served="",
        publication=run.publication,
        unread=unread,
    )


def _origin(run: Run) -> Origin:
    begin = min(step.begin for step in run.steps.values())
    return Origin(run.run_id, begin, run.facts)


def _verdict(run: Run) -> str:
    """Return the verdict as it is recorded, when the files with its reasons are gone."""
    if run.output("Evaluator", "blessing") is None:
        return "Not judged"
    return "Blessed" if run.blessed else "Refused"


def _properties(run: Run, step: str) -> dict[str, Any]:
    return run.steps[step].properties if step in run.steps else {}
