"""`visionpipe VERB`, which is `python -m pipeline VERB`: all that the project does."""

import functools
import sys
from collections.abc import Sequence

from components.settings import SettingsError
from pipeline.verbs import app as demo
from pipeline.verbs import (
    cancel,
    check,
    compare,
    hooks,
    infer,
    label,
    lineage,
    monitor,
    predict,
    produce,
    production,
    publish,
    register,
    rehearse,
    report,
    runs,
    serve,
    stage,
    submit,
    track,
    train,
    turn,
    wait,
    zoo,
)
from tfrecords.command_line import add_command, add_group, make_app, run
from tfrecords.terminal import prepare

app = make_app(
    "Trains image models, judges and publishes them. Every setting is a flag, a variable in the "
    "environment or a line of .env, and the first of these wins."
)
_verb = functools.partial(add_command, app, told={SettingsError: 2})

for _module, _command in (
    (train, train.train),
    (zoo, zoo.zoo),
    (check, check.check),
    (report, report.report),
    (runs, runs.runs),
    (compare, compare.compare),
    (lineage, lineage.lineage),
    (track, track.track),
    (register, register.register),
    (stage, stage.stage),
    (produce, produce.produce),
    (production, production.production),
    (publish, publish.publish),
    (infer, infer.infer),
    (hooks, hooks.hooks),
    (predict, predict.predict),
    (demo, demo.app),
    (serve, serve.serve),
    (monitor, monitor.monitor),
    (label, label.label),
    (rehearse, rehearse.rehearse),
    (submit, submit.submit),
    (wait, wait.wait),
    (cancel, cancel.cancel),
):
    _verb(what=_module.__doc__)(_command)
add_group(app, "turn", turn.__doc__ or "", "pipeline.verbs.turn")
add_group(app, "data", "Makes versions of data, and brings them here.", "pipeline.verbs.data")
add_group(app, "hub", "Changes what the Hub's Space serves.", "components.hf_pusher.__main__")
add_group(app, "serving", "Starts TensorFlow Serving, and asks it.", "serving.__main__")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a verb; return its exit code."""
    return run(app, "visionpipe", arguments)


if __name__ == "__main__":
    prepare()
    sys.exit(main())
