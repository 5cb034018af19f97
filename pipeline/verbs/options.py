"""Arguments and options that verbs have in common, as typer takes them."""

from pathlib import Path
from typing import Annotated, Literal

import typer

REFUSED = 3  # the exit code for a model that the gate refused, where that is asked for

Engine = Annotated[Literal["local", "vertex"], typer.Option(help="Whose runs.")]
AsJson = Annotated[
    bool, typer.Option("--json", help="Print one JSON document, and nothing else, on stdout.")
]
FailOnRefused = Annotated[
    bool, typer.Option("--fail-on-refused", help="End with exit code 3 where the gate refuses.")
]
_METRIC = typer.Argument(
    metavar="METRIC", help="A metric of the recipe, such as auroc, or loss: of the validation."
)
Metric = Annotated[str, _METRIC]
MetricOrNone = Annotated[str | None, _METRIC]
JobId = Annotated[str, typer.Argument(metavar="JOB_ID", help="Or projects/…/pipelineJobs/JOB_ID.")]
RunId = Annotated[
    str | None, typer.Option(metavar="ID", help="Which run, by MLflow's id or the pipeline's.")
]
Spec = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="PipelineJob as KubeflowV2DagRunner writes it. Default: this pipeline, compiled now.",
    ),
]
Parameters = Annotated[
    list[str] | None,
    typer.Option(
        "--parameter",
        metavar="NAME=VALUE",
        help="Value of a parameter of the job; may be repeated.",
    ),
]
Log = Annotated[
    Path, typer.Option(metavar="FOLDER", help="Of requests, as `visionpipe serve --log` writes it.")
]
ServedModel = Annotated[
    Path | None,
    typer.Option(
        metavar="FOLDER",
        help="The SavedModel, or the folder of versions, that is served. Default: SERVING_DIR.",
    ),
]
LogName = Annotated[
    str, typer.Option(metavar="NAME", help="Of the model in the log. Default: the recipe's.")
]
MonitorOutput = Annotated[
    Path, typer.Option(metavar="FOLDER", help="What the monitor keeps and writes.")
]
NoCache = Annotated[bool, typer.Option("--no-cache", help="Run every step again.")]


def _appendable(path: Path | None) -> Path | None:
    """Return a file that can be written to hours later, as far as that can be known now."""
    try:
        if path:
            path.open("a").close()
    except OSError as error:
        raise typer.BadParameter(f"{path} cannot be written to ({error.strerror})") from error
    return path


Summary = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        callback=_appendable,
        help="At the end, append the verdict and its figures in Markdown, as for GitHub's "
        "$GITHUB_STEP_SUMMARY.",
    ),
]
