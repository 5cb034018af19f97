"""What the runs of the local engine can be asked for by, found without TensorFlow."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from ml_metadata.metadata_store import MetadataStore
from ml_metadata.proto import metadata_store_pb2

from pipeline.lineage.names import Name, find_run, model_name, pushed_names
from pipeline.runs import store


def find_by_id(text: str, runs: Sequence[str]) -> str:
    """Return the run of an id, or of the beginning of one.

    Raises:
        LookupError: there is none.
        ValueError: there are several; the message names them.
    """
    return find_run(text, (_run_name(run_id) for run_id in runs))


def named_run(text: str, metadata_path: Path) -> str:
    """Return the run that somebody names by its id, or by the beginning of it.

    Raises:
        ValueError: there is no such run, or several; the message has those that there are.
    """
    runs = store.known_runs(metadata_path)
    try:
        return find_by_id(text, runs)
    except LookupError:
        raise ValueError(store.tell_unknown(text, runs)) from None


def known_run(text: str, metadata_path: Path) -> str:
    """Return the run that somebody asks for.

    Args:
        text: a run, or the folder, version, tag or revision of a model.
        metadata_path: the SQLite file.

    Raises:
        ValueError: there is no such run, or several; the message has the cure.
    """
    runs = store.known_runs(metadata_path)
    try:
        return find_run(text, _names(store.open_store(metadata_path), runs))
    except LookupError:
        raise ValueError(_unknown(text, metadata_path.parent, runs)) from None


def _names(opened: MetadataStore, runs: list[str]) -> Iterator[Name]:
    yield from map(_run_name, runs)
    executions = {
        execution.id: run.name
        for run in opened.get_contexts_by_type(store.RUN)
        for execution in opened.get_executions_by_context(run.id)
    }
    artifacts = {
        type_: opened.get_artifacts_by_type(type_)
        for type_ in ("ModelBlessing", "Model", "PushedModel")
    }
    ids = [artifact.id for listed in artifacts.values() for artifact in listed]
    makers: dict[int, int] = {}
    for event in opened.get_events_by_artifact_ids(ids):
        if event.type == metadata_store_pb2.Event.OUTPUT:
            earlier = makers.get(event.artifact_id, event.execution_id)
            makers[event.artifact_id] = min(earlier, event.execution_id)
    for type_, listed in artifacts.items():
        for artifact in listed:
            run_id = executions[makers[artifact.id]]
            properties = {
                name: value.string_value for name, value in artifact.custom_properties.items()
            }
            if type_ == "PushedModel":
                yield from pushed_names(run_id, artifact.uri, properties)
            elif type_ == "Model":
                yield model_name(run_id, artifact.uri)
            else:  # the run that judged a model tells more of it than the one that trained it
                yield model_name(run_id, properties.get("current_model", ""))


def _run_name(run_id: str) -> Name:
    return Name(run_id, run_id, (store.file_stem(run_id),))


def _unknown(text: str, root: Path, runs: list[str]) -> str:
    elsewhere = f"set PIPELINE_ROOT, which is {root}, to where it was made"
    if Path(text).exists():
        return f"{text} is of no run that is recorded here, so it was made elsewhere: {elsewhere}."
    return (
        f"{text} is no run, and no folder, version, tag or revision of a model, that is recorded "
        f"here; {elsewhere}, or add --engine=vertex for what Vertex AI made. The runs here are, "
        f"nearest first: {store.nearest(text, runs)}."
    )
