"""Runs the graph on this machine: checks first, one run at a time, and tells how far it is."""

import contextlib
import datetime
import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import filelock
from absl import logging as absl_logging
from rich.console import Console
from tfx.dsl.compiler import constants
from tfx.orchestration.local.local_dag_runner import LocalDagRunner
from tfx.orchestration.portable import runtime_parameter_utils
from tfx.proto.orchestration import pipeline_pb2

from pipeline import recorded
from pipeline.beginning import beginning
from pipeline.checks.local import check_local
from pipeline.configs import Settings
from pipeline.failure import explain
from pipeline.progress import Progress
from pipeline.recorded import Recording, never_failing
from pipeline.report import write_index, write_report
from pipeline.results import summary
from pipeline.results.commands import Commands
from pipeline.runs import history, provenance, relocation, store
from pipeline.terminal import fail, readable
from tfrecords.notices import kept_in

# Their messages go to the run's log file; what a user needs of them is on the screen already.
_CHATTY_LOGGERS = ("absl", "apache_beam", "py.warnings", "tensorflow")


class LocalRunner(LocalDagRunner):
    """LocalDagRunner with what a user expects around it.

    `run` itself is TFX's: its command line replaces that method to compile without running.

    Args:
        settings: names and places.
        by_verb: whether it was started by `visionpipe train`, as what comes next is then.
    """

    def __init__(self, settings: Settings, by_verb: bool = False) -> None:
        super().__init__()
        self._settings = settings
        self._commands = Commands(settings, by_verb)
        self._console = Console()

    def run_with_ir(
        self,
        pipeline: pipeline_pb2.Pipeline,
        run_options: pipeline_pb2.RunOptions | None = None,
    ) -> None:
        """Check, run and sum up; leave the process with one sentence when that fails.

        Raises:
            SystemExit: 2 for what the user can mend before a run, 1 for a step that failed, 130
                when interrupted.
        """
        run_id = datetime.datetime.now().isoformat()
        runtime_parameter_utils.substitute_runtime_parameter(
            pipeline, {constants.PIPELINE_RUN_ID_PARAMETER_NAME: run_id}
        )
        if earlier := store.told_of_earlier_runs(self._settings):
            self._console.print(earlier, markup=False, highlight=False, soft_wrap=True)
        try:
            check_local(self._settings)
            metadata_path = store.metadata_path(self._settings)
            relocation.settle(metadata_path)
        except ValueError as error:
            sys.exit(fail(str(error), 2))
        facts = provenance.provenance()
        provenance.record(pipeline, facts)
        root = Path(self._settings.pipeline_root).resolve()
        log_file = root / "logs" / f"{store.file_stem(run_id)}.log"
        progress = Progress(self._console, pipeline)
        recording = Recording(self._settings, root, run_id)
        try:
            with relocation.lock_of(root), _logged(log_file, lambda: progress.current, progress):
                recording.begin(beginning(self._settings, "local", facts["git commit"]))
                name = pipeline.pipeline_info.id
                progress.earlier = store.last_durations(metadata_path, name)
                with progress:
                    super().run_with_ir(pipeline, run_options)
            report = self._report(run_id, log_file)
        except filelock.Timeout:
            message = f"Another run is using PIPELINE_ROOT={root}; wait for it, or set another."
            sys.exit(fail(message, 2))
        except KeyboardInterrupt:
            self._record(recording, run_id, log_file, "KILLED")
            message = "Interrupted. Run again to go on: the steps that finished are reused."
            sys.exit(fail(message, 130))
        except Exception as error:
            report = self._report(run_id, log_file)
            place = self._record(recording, run_id, log_file, "FAILED", report)
            failed = f"{progress.current} failed: {explain(error)}"
            message = f"{failed} The whole log: {log_file} Report: {report}"
            if place:
                message += f" MLflow: {place}"
            sys.exit(fail(message, 1))
        run = history.load_run(metadata_path, run_id)
        place = self._record(recording, run_id, log_file, "FINISHED", report)
        self._console.print()
        self._console.print(summary.table(run, self._commands, report, place))

    def _record(
        self, recording: Recording, run_id: str, log_file: Path, status: str, report: str = ""
    ) -> str:
        """End the recording; return where it is, or what waits to be sent; never fails."""
        path = store.metadata_path(self._settings)
        try:
            with _logged(log_file, lambda: "The recording"):
                return recording.end(
                    status,
                    lambda journal: recorded.tell(journal, history.load_run(path, run_id)),
                    lambda journal: recorded.tell_report(journal, report),
                )
        except OSError as error:  # of the log
            return f"not recorded: {readable(error)}"

    def _report(self, run_id: str, log_file: Path) -> str:
        """Write the run's report; return its path, or why there is none; never fails."""
        try:
            with _logged(log_file, lambda: "The report"):
                run = history.load_run(store.metadata_path(self._settings), run_id)
                root = Path(self._settings.pipeline_root).resolve()
                path = write_report(run, root)
                with never_failing():
                    write_index(root)
                return str(path)
        except Exception as error:
            return f"not written: {readable(error)} The whole log: {log_file}"


class _LogFile(logging.FileHandler):
    """A log of which a full disk costs lines, and nothing else."""

    def handleError(self, record: logging.LogRecord) -> None:
        """Say nothing, where logging would print a traceback for every line."""


@contextmanager
def _logged(log_file: Path, doing: Callable[[], str], *others: logging.Handler) -> Iterator[None]:
    """Has the logs of libraries in a file, with the traceback of what ends this.

    Args:
        log_file: which is added to.
        doing: names what is at work.
        *others: who listens as well.
    """
    log_file.parent.mkdir(parents=True, exist_ok=True)
    to_file = _LogFile(log_file)
    to_file.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
    logging.captureWarnings(True)
    with contextlib.ExitStack() as stack:
        stack.callback(to_file.close)
        stack.enter_context(kept_in(log_file))
        stack.callback(absl_logging.set_verbosity, absl_logging.get_verbosity())
        absl_logging.set_verbosity(absl_logging.INFO)
        for name in _CHATTY_LOGGERS:
            stack.enter_context(_handled_by(logging.getLogger(name), [to_file, *others]))
        try:
            yield
        except Exception:
            logging.getLogger("absl").exception("%s failed", doing())
            raise


@contextmanager
def _handled_by(logger: logging.Logger, handlers: list[logging.Handler]) -> Iterator[None]:
    """Give a logger other handlers for a while."""
    before, propagate = logger.handlers, logger.propagate
    logger.handlers, logger.propagate = handlers, False
    try:
        yield
    finally:
        logger.handlers, logger.propagate = before, propagate
