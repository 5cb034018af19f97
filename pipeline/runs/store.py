"""The local engine's metadata store, as far as it can be asked without TensorFlow."""

import difflib
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

from ml_metadata.metadata_store import MetadataStore
from ml_metadata.proto import metadata_store_pb2

from pipeline.configs import Settings
from pipeline.places import PlacesConfig
from pipeline.runs import relocation

RUN = "pipeline_run"  # TFX's type of the context that a run's executions are in
_NODE = "node"  # likewise, those of a step
_NAMED = 10
_EARLIER = Path("output/pipeline")


def metadata_path(settings: PlacesConfig) -> Path:
    """Where the store is."""
    return Path(settings.pipeline_root).resolve() / "metadata.sqlite"


def told_of_earlier_runs(settings: Settings) -> str:
    """Tell of idle runs of a version of this project that had one folder for all recipes."""
    new = settings.is_default("pipeline_root") and not metadata_path(settings).exists()
    if not (new and (_EARLIER / "metadata.sqlite").exists()):
        return ""
    return (
        f"The runs of an earlier version are in {_EARLIER}, and stay there: set "
        f"PIPELINE_ROOT={_EARLIER} and SERVING_DIR={_EARLIER.with_name('serving')} to go on with "
        "them."
    )


def open_store(metadata_path: Path) -> MetadataStore:
    """Open the SQLite file, which must be there, to read.

    Its paths are made those of where it lies now, see `pipeline.runs.relocation`.

    Raises:
        ValueError: it is no such store, or was moved to where it cannot be written.
    """
    source = metadata_store_pb2.SqliteMetadataSourceConfig(
        filename_uri=str(metadata_path),
        connection_mode=metadata_store_pb2.SqliteMetadataSourceConfig.READONLY,
    )
    try:
        store = MetadataStore(metadata_store_pb2.ConnectionConfig(sqlite=source))
    except RuntimeError as error:
        why, _, _ = str(error).partition(" query:")
        raise ValueError(
            f"{metadata_path} cannot be read ({why}): mend it, or set PIPELINE_ROOT to another "
            "folder."
        ) from error
    relocation.settle(metadata_path)
    return store


def run_ids(metadata_path: Path) -> list[str]:
    """All runs, oldest first; none when there is no store."""
    if not metadata_path.exists():
        return []
    contexts = open_store(metadata_path).get_contexts_by_type(RUN)
    return [context.name for context in sorted(contexts, key=lambda context: context.id)]


def last_durations(metadata_path: Path, pipeline: str) -> dict[str, timedelta]:
    """Tell how long each step of a pipeline took when it last ran to its end, by its id.

    Args:
        metadata_path: the SQLite file; where there is none, no step has run.
        pipeline: name of the pipeline.

    Raises:
        ValueError: it is no such store.
    """
    if not metadata_path.exists():
        return {}
    store, durations = open_store(metadata_path), {}
    for context in store.get_contexts_by_type(_NODE):
        name, _, step = context.name.partition(".")
        done = [
            execution
            for execution in store.get_executions_by_context(context.id)
            if execution.last_known_state == metadata_store_pb2.Execution.COMPLETE
        ]
        if name == pipeline and done:
            last = max(done, key=lambda execution: execution.id)
            milliseconds = last.last_update_time_since_epoch - last.create_time_since_epoch
            durations[step] = timedelta(milliseconds=milliseconds)
    return durations


def known_runs(metadata_path: Path) -> list[str]:
    """All runs, oldest first.

    Raises:
        ValueError: there is none; the message has the cure.
    """
    known = run_ids(metadata_path)
    if not known:
        raise ValueError(
            f"There is no run under PIPELINE_ROOT={metadata_path.parent} yet; start one with "
            "`python local_runner.py`, or set RECIPE or PIPELINE_ROOT to where there is one."
        )
    return known


def tell_unknown(text: str, known: Sequence[str]) -> str:
    """Say that no run has such a name, and which there are."""
    return f"Run {text} is unknown; known are, nearest first: {nearest(text, known)}."


def nearest(text: str, known: Sequence[str]) -> str:
    """Return the known names in a line, those most like a text first, and count the rest."""
    named = difflib.get_close_matches(text, known, n=_NAMED, cutoff=0.0)
    more = f" and {len(known) - len(named)} more" if len(known) > len(named) else ""
    return ", ".join(named) + more


def making_run(store: MetadataStore, artifact_id: int) -> str:
    """Return the run that made an artifact; later ones that reused it have put it out as well."""
    maker = min(
        event.execution_id
        for event in store.get_events_by_artifact_ids([artifact_id])
        if event.type == metadata_store_pb2.Event.OUTPUT
    )
    [run] = [
        context.name for context in store.get_contexts_by_execution(maker) if context.type == RUN
    ]
    return run


def file_stem(run_id: str) -> str:
    """Return what the files of a run are called, in a name that every system allows."""
    return run_id.replace(":", "-")
