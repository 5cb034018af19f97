"""What a job on Vertex AI ended with: the gate's verdict, the figures, what was published."""

import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from google.cloud import storage

from components.google_cloud import CloudError, explained, retrying
from pipeline.jobs.states import Artifact, Outcome, State

if TYPE_CHECKING:
    from components.artifacts.evaluations import Evaluation


@dataclass(frozen=True)
class Verdict:
    """What a job's steps put out, as far as they came.

    Attributes:
        blessed: whether the gate blessed the model and TensorFlow alone can serve it; None where
            the gate has not judged.
        evaluation: the Evaluator's figures.
        reasons: why the model was refused.
        unread: why figures and reasons are missing.
        pushed: where the model is served.
        url: of what was published on the Hub.
        space_url: of its demo.
        edge: what came of the model for the edge, in a line.
        data_version: fixed address of the data; empty where they have no version.
    """

    blessed: bool | None = None
    evaluation: "Evaluation | None" = None
    reasons: list[str] = field(default_factory=list)
    unread: str = ""
    pushed: str = ""
    url: str = ""
    space_url: str = ""
    edge: str = ""
    data_version: str = ""


def title(outcome: Outcome, verdict: Verdict) -> str:
    """Tell how the job ended, in a few words."""
    if outcome.state is not State.SUCCEEDED:
        return {State.FAILED: "Failed", State.CANCELLED: "Cancelled"}[outcome.state]
    return {True: "Blessed", False: "Refused, nothing published", None: "Done"}[verdict.blessed]


def read_verdict(outcome: Outcome) -> Verdict:
    """Read what the steps put out, from the service's answer and from Cloud Storage."""
    blessing = output(outcome, "Evaluator", "blessing")
    evaluation = output(outcome, "Evaluator", "evaluation")
    validated = output(outcome, "ModelValidator", "blessing")
    unserved = "" if validated is None else validated.metadata.get("reason", "")
    edge_model = output(outcome, "EdgeExporter", "edge_model")
    examples = output(outcome, "ImportExampleGen", "examples")
    pushed = pushed_by(outcome, "Pusher")
    published = pushed_by(outcome, "HFPusher")
    blessed = None
    if blessing is not None:
        blessed = blessing.metadata.get("blessed") == 1 and not unserved
    figures, unread = None, ""
    reasons: list[str] = []
    if evaluation is not None:
        project = outcome.run_id.split("/")[1]
        try:
            figures, reasons = _read(project, evaluation.uri)
        except CloudError as error:
            unread = f"The figures of the evaluation cannot be read: {error}"
    return Verdict(
        blessed=blessed,
        evaluation=figures,
        reasons=[] if blessed else [*reasons, *([unserved] if unserved else [])],
        unread=unread,
        pushed=pushed.get("pushed_destination", ""),
        url=published.get("url", ""),
        space_url=published.get("space_url", ""),
        edge="" if edge_model is None else edge_model.metadata.get("summary", ""),
        data_version="" if examples is None else examples.metadata.get("data_version", ""),
    )


def output(outcome: Outcome, step: str, key: str) -> Artifact | None:
    """Return an artifact that a step or the cache put out; None where there is none."""
    task = outcome.tasks.get(step)
    found = task.outputs.artifacts.get(key) if task and task.outputs else None
    return found[0] if found else None


def pushed_by(outcome: Outcome, step: str) -> dict[str, str]:
    """Return what a pusher says of where it pushed to; nothing when it did not."""
    artifact = output(outcome, step, "pushed_model")
    if artifact is None or artifact.metadata.get("pushed") != 1:
        return {}
    return {name: str(value) for name, value in artifact.metadata.items()}


def _read(project: str, uri: str) -> tuple["Evaluation", list[str]]:
    """Figures, and the reasons against the model.

    Raises:
        CloudError: they are not there, or are no evaluation of this repository's.
    """
    import tensorflow as tf  # which takes long to import, as what follows does

    from components.artifacts.evaluations import load_evaluation
    from pipeline.results import verdict

    tf.get_logger().setLevel("ERROR")  # TFMA reads its files in a way that TensorFlow deprecates
    with tempfile.TemporaryDirectory() as folder:
        _fetch(project, uri, Path(folder))
        try:
            return load_evaluation(folder), verdict.words(folder)
        except (OSError, ValueError, LookupError, tf.errors.OpError) as error:
            raise CloudError(f"{uri} is no whole evaluation of this pipeline's.") from error


def _fetch(project: str, uri: str, folder: Path) -> None:
    """Copy the files of a folder: unlike TensorFlow, this client knows federated identities."""
    with explained("Cloud Storage", "roles/storage.objectViewer on the bucket"):
        client = storage.Client(project=project)
        place = storage.Blob.from_string(f"{uri.rstrip('/')}/", client=client)
        for blob in retrying()(lambda: list(client.list_blobs(place.bucket, prefix=place.name))):
            name = blob.name.removeprefix(place.name)
            if name and "/" not in name:
                retrying()(blob.download_to_filename, folder / name)
