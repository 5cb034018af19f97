"""Trains, judges and pushes a model on this machine."""

import contextlib
import sys

import local_runner
from components.flags import with_settings
from pipeline.configs import Settings
from pipeline.data_version import with_data
from pipeline.terminal import fail, print_json
from pipeline.verbs.options import REFUSED, AsJson, FailOnRefused, Summary

# As the command lines of many training scripts spell them.
_ALIASES = {
    "data_version": "--dataset-version",
    "model": "--model-type",
    "optimizer": "--optimizer-type",
}


@with_settings(Settings, _ALIASES)
def train(
    settings: Settings,
    *,
    summary: Summary = None,
    fail_on_refused: FailOnRefused = False,
    as_json: AsJson = False,
) -> int:
    """Does what `python local_runner.py` does.

    Returns:
        0; 1 when a step failed, 2 for what the user can mend before a run, 3 when the gate refused
        and that was to be told so, 130 when interrupted.
    """
    try:
        settings = with_data(settings)
        graph = local_runner.bind(settings)
    except ValueError as error:
        return fail(str(error), 2)

    from pipeline.local import LocalRunner
    from pipeline.results.document import document
    from pipeline.runs import history, store

    with contextlib.redirect_stdout(sys.stderr) if as_json else contextlib.nullcontext():
        LocalRunner(settings).run(graph)
    run = history.load_run(store.metadata_path(settings))
    if summary:
        from pipeline.results.page import page
        from pipeline.verbs.summary import append

        append(summary, lambda room: page(run, room))
    if as_json:
        print_json(document(run))
    return REFUSED if fail_on_refused and not run.blessed else 0
