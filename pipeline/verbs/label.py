"""Scores what a server answered by true labels."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.configs import load_settings
from pipeline.terminal import fail, print_json, tell
from pipeline.verbs.options import AsJson, Log, LogName, MonitorOutput, ServedModel

if TYPE_CHECKING:
    from monitoring.scoring import Scores

_SHOWN = 5  # ids of labels that were not used, in the terminal


def label(
    *,
    log: Log,
    labels: Annotated[
        Path,
        typer.Option(
            metavar="FILE",
            help="CSV of the columns id, as the log has it, and label: a class, a number, or the "
            "path of a mask.",
        ),
    ],
    model: ServedModel = None,
    name: LogName = "",
    output: MonitorOutput = Path("output/monitor"),
    as_json: AsJson = False,
) -> int:
    """Print the figures of each version and route, which the monitor then shows.

    Returns:
        0 when answers were scored; 2 when none was.
    """
    from monitoring.scoring import save_scores, score
    from monitoring.watched import load_named
    from serving.errors import ServingError
    from serving.log.reader import read_log

    try:
        watched, _, named = load_named(model or Path(load_settings().serving_dir), name)
        scores = score(read_log(log), watched, labels, named)
        if not scores.scores:
            return fail(_tell_unused(scores) or f"{labels} has no label.", 2)
        output.mkdir(parents=True, exist_ok=True, mode=0o700)
        save_scores(output, scores)
    except (ServingError, ValueError) as error:
        return fail(str(error), 2)
    except OSError as error:
        return fail(f"{output} cannot be written to: {error.strerror}.", 2)
    if as_json:
        print_json({**scores.model_dump(), "compared": scores.compare()})
        return 0
    for one in scores.scores:
        told = [f"{title} {value:.3f}" for title, value in one.figures.items() if value is not None]
        if one.estimated is not None:
            told.append(f"estimated accuracy {one.estimated / one.images:.3f}")
        typer.echo(f"Version {one.version}, {one.route}, {one.images} images: {', '.join(told)}")
    for sentence in scores.compare():
        typer.echo(sentence)
    if scores.unused:
        tell(_tell_unused(scores))
    return 0


def _tell_unused(scores: "Scores") -> str:
    return "\n".join(
        f"{len(names)} of the labels {reason}: {'; '.join(names[:_SHOWN])}"
        for reason, names in scores.unused.items()
    )
