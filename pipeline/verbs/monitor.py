"""Compares what a server is asked with what its model knows."""

from pathlib import Path
from time import sleep, time
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.configs import load_settings
from pipeline.terminal import fail, print_json, tell
from pipeline.verbs.options import AsJson, Log, LogName, MonitorOutput, ServedModel

if TYPE_CHECKING:
    from monitoring.reading import Reading

_EVERY = 15.0  # seconds between two looks
_UNHEALTHY = 3


def monitor(
    *,
    log: Log,
    model: ServedModel = None,
    name: LogName = "",
    window: Annotated[
        int, typer.Option(min=50, max=100_000, help="Images that are compared together.")
    ] = 200,
    output: MonitorOutput = Path("output/monitor"),
    port: Annotated[
        int | None,
        typer.Option(
            min=0,
            max=65535,
            help="Go on, and serve the page and, at /metrics, gauges on this port of 127.0.0.1.",
        ),
    ] = None,
    as_json: AsJson = False,
) -> int:
    """Write monitor.html, and gauges for Prometheus in monitor.prom.

    A second run goes on where the first one ended.

    Returns:
        0 when requests come and are as in training, or when it went on until Ctrl-C; 3 when they
        drifted, are too few or come no more; 2 when nothing can be compared; 130 when interrupted.
    """
    from monitoring.monitor import PAGE, look
    from monitoring.reading import Reading
    from monitoring.serving import served
    from monitoring.state import reserve
    from serving.errors import ServingError

    try:
        folder = model or Path(load_settings().serving_dir)
        with reserve(output):
            reading = Reading(log, folder, name, window)
            verdict = look(reading, output, time())
            if port is not None:
                with served(output, port) as listened:
                    print(f"Shows {output / PAGE} at http://127.0.0.1:{listened}.", flush=True)
                    return _go_on(reading, output, verdict.word)
    except (ServingError, ValueError) as error:
        return fail(str(error), 2)
    except OSError as error:
        return fail(f"{output} cannot be written to: {error.strerror}.", 2)
    except KeyboardInterrupt:
        return 130
    if as_json:
        told = {"verdict": verdict.word, "reasons": verdict.reasons, "page": str(output / PAGE)}
        print_json(told)
    else:
        typer.echo(f"{verdict.word}. {' '.join(verdict.reasons)}\n{output / PAGE}")
    return 0 if verdict.healthy else _UNHEALTHY


def _go_on(reading: "Reading", output: Path, word: str) -> int:
    """Look again and again, and say what changes; return 0 when it is interrupted."""
    from monitoring.monitor import look
    from serving.errors import ServingError

    while True:
        try:
            sleep(_EVERY)
            verdict = look(reading, output, time())
            said = f"{verdict.word}. {' '.join(verdict.reasons)}"
            changed = verdict.word
        except (ServingError, OSError) as error:  # the log may be there again at the next look
            said = changed = str(error)
        except KeyboardInterrupt:
            return 0
        if changed != word:
            tell(said)
            word = changed
