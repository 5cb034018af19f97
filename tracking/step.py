"""The journal of a step that has a machine of its own: a training on Vertex AI."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tracking import names
from tracking.config import read_variables
from tracking.current import current
from tracking.journal import Journal, journal_of
from tracking.sender import Sender

_PATIENCE = 5.0  # seconds that a training waits at its end for what is still to be sent
# Where the service has a step put its output; an id of a step may be negative.
_OUTPUT = re.compile(r".+/\d+/(?P<job>[a-z][-a-z0-9]{0,127})/Trainer_-?\d+/model_run/?")


@contextmanager
def training_journal(output: str) -> Iterator[Journal | None]:
    """Give the journal that a training adds its epochs to; None where nothing is recorded.

    On the local engine it is the run's own. Elsewhere it lasts as long as the training: what it
    cannot send is sent by the job's last step, which reads the history that the Trainer leaves.

    Args:
        output: folder of the Trainer's model run, which says whose step it is.
    """
    with ExitStack() as stack:
        yield current() or _begin(output, stack)


def _begin(output: str, stack: ExitStack) -> Journal | None:
    found = _OUTPUT.fullmatch(output)
    if found is None:
        return None
    try:
        config = read_variables()
        if config.mlflow_tracking_uri is None or config.mlflow_experiment_name is None:
            return None
        root = Path(stack.enter_context(tempfile.TemporaryDirectory(ignore_cleanup_errors=True)))
        journal = journal_of(root, found["job"])
        tags = {names.RUN_ID: found["job"], names.ENGINE: "vertex"}
        journal.open(found["job"], config.mlflow_experiment_name, tags)
    except (OSError, ValueError) as error:
        print(f"The training's epochs are not recorded: {error}", flush=True)
        return None
    sender = Sender(config, root, journal)
    sender.start()
    stack.callback(sender.finish, _PATIENCE)
    return journal
