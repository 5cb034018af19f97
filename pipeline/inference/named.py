"""The model that a command line names: by its folder, by its run, or by its tag on the Hub."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from components.hf_pusher.answers import HubError
from components.hf_pusher.download import download_model
from pipeline.lineage.known import find_by_id
from pipeline.places import ModelSettings
from pipeline.runs import store

if TYPE_CHECKING:
    from pipeline.runs.history import Run


@dataclass(frozen=True)
class Named:
    """A model that was found.

    Attributes:
        folder: of the SavedModel, or what else the path names.
        title: what it is, for a line.
        notice: what a user should know of it; empty where there is nothing.
    """

    folder: Path
    title: str
    notice: str = ""


def is_path(text: str) -> bool:
    """Tell whether a name is a path: there is something, or no run and no tag is written so."""
    path = Path(text).expanduser()
    return path.exists() or path.name != text or path.suffix == ".tflite"


def find_named(text: str, settings: ModelSettings) -> Named:
    """Find a model.

    Args:
        text: a path, the id of a run of PIPELINE_ROOT or the beginning of one, or a tag of
            HF_REPO_ID, which is downloaded.
        settings: say where runs are, and the Hub.

    Raises:
        ValueError: there is no such model, or the name may be several runs; the message has what
            there is to choose from.
    """
    if is_path(text):
        return Named(Path(text).expanduser(), text)
    metadata = store.metadata_path(settings)
    runs = store.run_ids(metadata)
    try:
        run_id = find_by_id(text, runs)
    except LookupError:
        return _find_tag(text, settings, runs)
    from pipeline.runs import history  # TFX, which takes long to import

    return _of_run(history.load_run(metadata, run_id))


def _of_run(run: Run) -> Named:
    if run.output("Trainer", "model") is None:
        raise ValueError(f"Run {run.run_id} ended before it had a model: name another one.")
    folder = Path(run.model_path)
    if not folder.is_dir():
        raise ValueError(
            f"The model of run {run.run_id} is gone from {folder}: name another run, or train "
            "again."
        )
    return Named(folder, f"run {run.run_id}", _tell_verdict(run))


def _tell_verdict(run: Run) -> str:
    if run.output("Evaluator", "blessing") is None:
        return "Not judged: its run ended before the gate."
    if run.blessed:
        return ""
    try:
        return f"Refused by its gate: {'; '.join(run.refusals())}"
    except (AssertionError, OSError, LookupError):  # TFMA asserts that its files are there
        return "Refused by its gate; the reasons are gone."


def _find_tag(text: str, settings: ModelSettings, runs: list[str]) -> Named:
    root = settings.pipeline_root
    known = f", whose runs are, nearest first: {store.nearest(text, runs)}" if runs else ""
    other = f"--model {text} is no path, and no run under PIPELINE_ROOT={root}{known}"
    repo_id = settings.hf_repo_id
    if repo_id is None:
        raise ValueError(f"{other}. For a tag of the Hub, set HF_REPO_ID.")
    try:
        return Named(download_model(settings, repo_id, text), f"{repo_id} {text}")
    except HubError as error:
        raise ValueError(f"{other}. {error}") from None
