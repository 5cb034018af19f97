"""A run of the local engine in MLflow: what is told of it, when it begins and when it ends."""

import json
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from components.artifacts import examples as labelled
from components.digest import folder_digest
from pipeline.beginning import Beginning
from pipeline.configs import Settings
from pipeline.report.figures import figures
from pipeline.runs.history import Run, Step
from pipeline.runs.store import file_stem
from pipeline.tuned import RECIPE
from tracking import names
from tracking.current import set_current
from tracking.entries import flatten
from tracking.journal import Journal, close_killed, journal_of
from tracking.machine import MachineMetrics
from tracking.sender import Sender

_PATIENCE = 5.0  # seconds that a run waits at its end for what is still to be sent
_DIGEST = 36  # the most characters of a data set's digest in MLflow
_LOG = logging.getLogger("absl")  # the run's own log
# What else the Trainer tells of a training, beside its history.
_TRAINING = (
    "steps",
    "seconds",
    "images_per_second",
    "best_epoch",
    "parameters",
    "processor_seconds",
    "temperature",
)


class Recording:
    """Records one run; does nothing where MLFLOW_TRACKING_URI is not set, and never fails.

    Args:
        settings: what the run is made with.
        root: PIPELINE_ROOT.
        run_id: as the runner named the run.
    """

    def __init__(self, settings: Settings, root: Path, run_id: str) -> None:
        self._settings = settings
        self._run_id = run_id
        self._journal = journal_of(root, file_stem(run_id))
        self._root = root
        self._sender: Sender | None = None
        self._machine: MachineMetrics | None = None

    def begin(self, told: Beginning) -> None:
        """Open it, and close those of this PIPELINE_ROOT that were killed.

        Args:
            told: what is known before the run.
        """
        if self._settings.mlflow_tracking_uri is None:
            return
        with never_failing():
            close_killed(self._root)
            told.open(self._journal, self._run_id)
            self._machine = MachineMetrics(self._journal)
            self._machine.start()
            self._sender = Sender(self._settings, self._root, self._journal)
            self._sender.start()
            set_current(self._journal)

    def end(self, status: str, *tellers: Callable[[Journal], None]) -> str:
        """Close it.

        Args:
            status: FINISHED, FAILED or KILLED.
            *tellers: each adds what it knows of the run, whatever becomes of the others.

        Returns:
            Where the run is in MLflow, or what waits to be sent and how; empty where nothing is
            recorded.
        """
        set_current(None)
        if self._settings.mlflow_tracking_uri is None:
            return ""
        if self._sender is None or self._machine is None:
            return "not recorded: see the run's log"
        self._machine.finish()
        for teller in tellers:
            with never_failing():
                teller(self._journal)
        with never_failing():
            self._journal.close(status)
        return self._finish(self._sender)

    def _finish(self, sender: Sender) -> str:
        with suppress(KeyboardInterrupt):
            sender.finish(_PATIENCE)
        state = self._journal.state
        if state.finished:
            return " ".join([state.url, *state.refused])
        command = self._settings.as_typed("recipe", "pipeline_root")
        return (
            f"{self._journal.waiting} events wait to be sent. {sender.problem} Send them with"
            f" `{f'{command} '.lstrip()}visionpipe track --replay`, or with the next run."
        ).replace("  ", " ")


def tell(journal: Journal, run: Run, trained_at: str | None = None) -> None:
    """Add all that is known of a run that has ended, whatever it came to.

    Args:
        journal: the run's.
        run: its artifacts are on this machine.
        trained_at: where the SavedModel lies that the Trainer exported, if that is elsewhere.
    """
    for step in run.steps.values():
        journal.metrics(
            {f"duration.{step.name}": step.duration.total_seconds()}, when=_end_of(step)
        )
    tell_data(journal, run)
    if run.output("StatisticsGen", "statistics"):
        counts = run.num_examples().items()
        journal.params({f"examples.{split}": str(count) for split, count in counts})
    if found := run.hyperparameters():
        values = {name: value for name, value in found.config["values"].items() if name != RECIPE}
        journal.params(flatten(values, "hyperparameters."))
    if run.output("Trainer", "model"):
        training = run.training_figures()
        when = _end_of(run.steps["Trainer"])
        journal.history(training["history"])
        told = {f"training.{name}": training[name] for name in _TRAINING if name in training}
        journal.metrics(told, when=when)
        digest = folder_digest(Path(run.model_path))
        journal.tags(
            {
                names.TRAINED_BY: run.trained_by,
                names.MODEL_DIGEST: digest,
                names.MODEL_URI: model_uri(run, trained_at or run.model_path),
            }
        )
    if run.output("Evaluator", "blessing"):
        figures_judged = {f"{names.EVALUATION}{key}": one for key, one in run.metrics().items()}
        journal.metrics(figures_judged, when=_end_of(run.steps["Evaluator"]))
        refusals = [] if run.blessed else run.refusals()
        journal.tags({names.BLESSED: str(run.blessed).lower(), names.REFUSALS: "; ".join(refusals)})


def tell_data(journal: Journal, run: Run) -> None:
    """Add which examples a run learned from, if it came to them."""
    if examples := run.output("ImportExampleGen", "examples"):
        digest = labelled.digest(examples)
        journal.tags({names.DATA_VERSION: run.data_version, names.DATA_DIGEST: digest})
        folder = run.steps["ImportExampleGen"].properties["input_base"]
        journal.dataset(dataset(run.data_version or folder, digest))


def tell_report(journal: Journal, report: str) -> None:
    """Add a run's report, and its figures.

    Args:
        journal: the run's.
        report: path of the report; of anything else nothing is told.
    """
    if not Path(report).is_file():
        return
    content = Path(report).read_bytes()
    for name, figure in figures(content.decode()):
        journal.artifact(f"figures/{name}", figure)
    journal.artifact(names.REPORT_FILE, content)


def dataset(place: str, digest: str) -> dict[str, str]:
    """Return a MetaDataset as MLflow keeps it.

    Args:
        place: a fixed address of lakeFS or S3, or a folder.
        digest: of the data.
    """
    # MLflow knows no lakeFS, whose gateway for S3 has repositories as buckets.
    uri = place.replace("lakefs://", "s3://", 1)
    kind, is_address, _ = uri.partition("://")
    return {
        "name": uri.rstrip("/").rpartition("/")[2] or uri,
        "digest": digest[:_DIGEST],
        "source_type": kind if is_address else "local",
        "source": json.dumps({"uri": uri}),
    }


def model_uri(run: Run, trained_at: str) -> str:
    """Where a run's model stays: in lakeFS, else where it was pushed, else where it was trained."""
    pushed = run.output("LakeFSPusher", "pushed_model")
    if run.kept_at and pushed:
        place = (
            pushed.get_string_custom_property(name) for name in ("repository", "revision", "path")
        )
        return f"lakefs://{'/'.join(place)}"
    return run.pushed_model or trained_at


def _end_of(step: Step) -> int:
    return int((step.begin + step.duration).timestamp() * 1000)


@contextmanager
def never_failing() -> Iterator[None]:
    """Put what goes wrong into the run's log: no run fails because it cannot be told of."""
    try:
        yield
    except Exception:
        _LOG.exception("The run is not told of in full")
