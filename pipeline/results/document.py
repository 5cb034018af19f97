"""What came out of a run, for programs."""

from typing import Any

from pipeline.runs.history import Run


def document(run: Run) -> dict[str, Any]:
    """Return the outcome of a run, in plain values that serialise as JSON.

    Args:
        run: finished, failed or still going on; what is not there yet is None or empty.
    """
    judged = run.output("Evaluator", "evaluation") is not None
    return {
        "run": run.run_id,
        "trained_by": run.trained_by,
        "steps": {step.name: step.state for step in run.steps.values()},
        "blessed": run.blessed if judged else None,
        "refusals": run.refusals() if judged and not run.blessed else [],
        "metrics": run.metrics() if judged else {},
        "model": run.pushed_model,
        "published": run.publication,
    }
