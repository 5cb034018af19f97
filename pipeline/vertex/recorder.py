"""A job's last task: tells MLflow all that became of the job, and ends its run there.

No job fails because it cannot be told of: what MLflow does not take is kept below PIPELINE_ROOT.
"""

import argparse
import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import filelock

from components.google_cloud import lend_login_to_tensorflow
from pipeline.beginning import Beginning
from pipeline.configs import load_settings
from pipeline.jobs.states import Outcome, State
from pipeline.recorded import never_failing, tell
from pipeline.rehearsal.store import STORE, read_outcome
from pipeline.vertex import journals
from pipeline.vertex.finished import finished_run, trained_at
from pipeline.vertex.recorded import RECORDER, Recorded
from tracking.config import read_variables
from tracking.delivery import deliver
from tracking.errors import TrackingError
from tracking.journal import Journal, journal_of, waiting_journals
from tracking.server import Server


def record(
    recorded: Recorded, outcome: Outcome, values: Mapping[str, Any], root: str | Path
) -> str:
    """Record a job that has ended, or all of whose steps but this one have.

    Args:
        recorded: how.
        outcome: what became of it.
        values: of its parameters.
        root: the job's PIPELINE_ROOT, or where else what is not sent is kept.

    Returns:
        Where the run is in MLflow, or what waits to be sent and how.
    """
    root, run_id = str(root), outcome.run_id.rpartition("/")[2]
    if root.startswith("gs://"):
        with never_failing():
            lend_login_to_tensorflow()
    with tempfile.TemporaryDirectory() as folder:
        journal = journal_of(Path(folder), run_id)
        _write(journal, recorded.beginning, run_id, outcome, values)
        try:
            server = Server(recorded.config)
            deliver(journal, server)
        except (TrackingError, OSError) as error:
            with never_failing():
                journals.keep(journal, root)
                return (
                    f"{error} What is known of the run is kept below {root}: send it with "
                    "`visionpipe track --replay`, or with the next run."
                )
            return f"{error} Nor can what is known of the run be kept below {root}."
        with never_failing(), journals.brought(root) as earlier:
            _send_rest(earlier, server)
        return " ".join([journal.state.url, *journal.state.refused])


def _write(
    journal: Journal,
    beginning: Beginning,
    run_id: str,
    outcome: Outcome,
    values: Mapping[str, Any],
) -> None:
    begins = [task.begin for task in outcome.tasks.values() if task.begin]
    ends = [task.end for task in outcome.tasks.values() if task.end]
    start = int(min(begins).timestamp() * 1000) if begins else None
    begun = beginning.with_values(values)
    begun.open(journal, run_id, start)
    # Those that were given to a run which the Trainer has opened are fewer.
    journal.tags(begun.tags)
    with tempfile.TemporaryDirectory() as folder, never_failing():

        def copy(uri: str) -> str:
            if "://" not in uri:
                return uri
            target = os.path.join(folder, *uri.rstrip("/").split("/")[-2:])
            journals.copy_folder(uri, target)
            return target

        tell(journal, finished_run(run_id, outcome, values, copy), trained_at(outcome))
    journal.close(_status(outcome), int(max(ends).timestamp() * 1000) if ends else None)


def _status(outcome: Outcome) -> str:
    """MLflow's word for what became of all steps but the recorder."""
    states = {task.state for task in outcome.tasks.values() if task.name != RECORDER}
    if State.FAILED in states:
        return "FAILED"
    return "FINISHED" if all(state.has_outputs for state in states) else "KILLED"


def _send_rest(root: Path, server: Server) -> None:
    """Send what earlier jobs left."""
    for journal in waiting_journals(root):
        try:
            deliver(journal, server)
        except (filelock.Timeout, TrackingError):
            continue  # it waits for a replay, which says why


def _ask(job: str) -> Outcome:
    """Return what became of a job so far, as the service has it."""
    from pipeline.vertex.jobs import Vertex, outcome_of
    from pipeline.vertex.names import locate

    job_id, settings = locate(job, load_settings(env_file="none"))
    cloud = Vertex(settings)
    found = cloud.find(cloud.name(job_id))
    if found is None:
        raise ValueError(f"{cloud.what} has no job {job_id}.")
    return outcome_of(job, found)


def main() -> None:
    """Record the job whose task this is."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--job", required=True, help="its resource name")
    parser.add_argument("--root", required=True, help="its PIPELINE_ROOT")
    parser.add_argument("--beginning", required=True, type=Beginning.model_validate_json)
    parser.add_argument("--parameter", action="append", default=[], help="NAME=VALUE")
    told = parser.parse_args()
    texts = dict(text.split("=", 1) for text in told.parameter)
    values = {
        name: text if name == "data_root" else json.loads(text) for name, text in texts.items()
    }
    with never_failing():
        recorded = Recorded(told.beginning, read_variables())
        if store := os.environ.get(STORE):
            recorded = recorded.rehearsed()
            outcome = read_outcome(Path(store), told.job.rpartition("/")[2])
        else:
            outcome = _ask(told.job)
        print(record(recorded, outcome, values, told.root))


if __name__ == "__main__":
    main()
