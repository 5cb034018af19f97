"""Past runs, read back from the local engine's metadata store."""

import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import tensorflow_model_analysis as tfma
from ml_metadata.proto import metadata_store_pb2
from tfx.components.statistics_gen import stats_artifact_utils
from tfx.orchestration import metadata
from tfx.orchestration.portable.mlmd import execution_lib
from tfx.types import Artifact, artifact_utils
from tfx.utils import path_utils

from components.artifacts.examples import DATA_VERSION
from components.edge_exporter.variants import EDGE_MODEL_KEY, REPORT
from models.train import FIGURES
from pipeline.results import verdict
from pipeline.runs import store
from pipeline.tuned import Hyperparameters, read_hyperparameters


@dataclass(frozen=True)
class Step:
    """One node of a run.

    Attributes:
        name: of the component.
        state: MLMD's: COMPLETE, CACHED, FAILED, or RUNNING for one that goes on or was killed.
        begin: when TFX began to resolve its inputs.
        duration: until TFX had published its outputs.
        properties: what the component was given beside its inputs.
        inputs: the artifacts that it read, one for each key.
        outputs: the artifacts that it made or reused, one for each key.
    """

    name: str
    state: str
    begin: datetime
    duration: timedelta
    properties: dict[str, Any] = field(repr=False)
    inputs: dict[str, Artifact] = field(repr=False)
    outputs: dict[str, Artifact] = field(repr=False)

    @property
    def cached(self) -> bool:
        """Whether the outputs of an earlier run were reused."""
        return self.state == "CACHED"


@dataclass(frozen=True)
class Run:
    """A run and the artifacts that it made or reused.

    Attributes:
        run_id: as the runner named it.
        pipeline: name of the pipeline.
        facts: what was recorded of it when it started, see `pipeline.runs.provenance`.
        steps: by name, in the order in which they ran.
        trained_by: the run whose Trainer made the model, this one or an earlier one; empty when
            there is no model.
        baseline_run: the run whose model was the last blessed one; empty when there was none.
    """

    run_id: str
    pipeline: str
    facts: dict[str, str]
    steps: dict[str, Step]
    trained_by: str
    baseline_run: str

    def output(self, step: str, output: str) -> Artifact | None:
        """Return an artifact; None where the run did not come to it."""
        return self.steps[step].outputs.get(output) if step in self.steps else None

    def uri(self, step: str, output: str) -> Path:
        """Folder of an artifact."""
        return Path(self.steps[step].outputs[output].uri)

    def num_examples(self) -> dict[str, int]:
        """Examples by split."""
        statistics = self.steps["StatisticsGen"].outputs["statistics"]
        return {
            split: stats_artifact_utils.load_statistics(statistics, split)
            .proto()
            .datasets[0]
            .num_examples
            for split in artifact_utils.decode_split_names(statistics.split_names)
        }

    @property
    def data_version(self) -> str:
        """Fixed address of the data; empty where they have no version."""
        artifact = self.output("ImportExampleGen", "examples")
        return artifact.get_string_custom_property(DATA_VERSION) if artifact else ""

    def training_figures(self) -> dict[str, Any]:
        """Return what the Trainer wrote: steps, images_per_second, history."""
        return json.loads((self.uri("Trainer", "model_run") / FIGURES).read_text())

    def hyperparameters(self) -> Hyperparameters | None:
        """Return what the Tuner found, in this run or an earlier one; None without a Tuner."""
        for step in ("Tuner", "Importer"):
            if step in self.steps:
                return read_hyperparameters(str(self.uri(step, "best_hyperparameters")))
        return None

    def metrics(self) -> dict[str, float]:
        """Return the candidate's metrics over the whole validation split, by name."""
        result = tfma.load_eval_result(str(self.uri("Evaluator", "evaluation")))
        overall = result.get_metrics_for_slice(())
        return {
            name: float(value["doubleValue"])
            for name, value in overall.items()
            if "doubleValue" in value
        }

    def refusals(self) -> list[str]:
        """Why the model was refused, in words; empty when it was blessed."""
        reasons = verdict.words(str(self.uri("Evaluator", "evaluation")))
        return [*reasons, self.unserved] if self.unserved else reasons

    @property
    def blessed(self) -> bool:
        """Whether the gate blessed the model, and nothing is known against serving it."""
        blessing = self.steps["Evaluator"].outputs["blessing"]
        return blessing.get_int_custom_property("blessed") == 1 and not self.unserved

    @property
    def unserved(self) -> str:
        """Why TensorFlow alone cannot serve the model; empty when it can, or was not asked."""
        artifact = self.output("ModelValidator", "blessing")
        return artifact.get_string_custom_property("reason") if artifact else ""

    @property
    def model_path(self) -> str:
        """Folder of the SavedModel that the Trainer exported."""
        return path_utils.serving_model_path(str(self.uri("Trainer", "model")))

    @property
    def pushed_model(self) -> str:
        """Folder of the pushed SavedModel; empty when nothing was pushed."""
        artifact = self.output("Pusher", "pushed_model")
        if artifact is None:
            return ""
        # What was pushed to an Endpoint has that as its destination.
        folder = artifact.get_string_custom_property("saved_model")
        return folder or artifact.get_string_custom_property("pushed_destination")

    @property
    def edge_model(self) -> str:
        """What came of the model for the edge, in a line; empty when there was no step for it."""
        artifact = self.output("EdgeExporter", EDGE_MODEL_KEY)
        return artifact.get_string_custom_property("summary") if artifact else ""

    def edge_figures(self) -> dict[str, Any]:
        """Return what the EdgeExporter wrote of each LiteRT model; empty without such a step."""
        if self.output("EdgeExporter", EDGE_MODEL_KEY) is None:
            return {}
        folder = path_utils.serving_model_path(str(self.uri("EdgeExporter", EDGE_MODEL_KEY)))
        path = Path(folder, REPORT)
        return json.loads(path.read_text()) if path.exists() else {}

    @property
    def kept_at(self) -> str:
        """Where LakeFSPusher keeps the model, for people; empty where it does not."""
        artifact = self.output("LakeFSPusher", "pushed_model")
        return artifact.get_string_custom_property("url") if artifact else ""

    @property
    def publication(self) -> dict[str, str]:
        """What HFPusher published where, by its artifact's properties; empty when nothing was."""
        artifact = self.output("HFPusher", "pushed_model")
        if artifact is None or not artifact.get_int_custom_property("pushed"):
            return {}
        names = ("url", "tag", "revision", "space_url")
        return {name: artifact.get_string_custom_property(name) for name in names}


def load_run(metadata_path: Path, run_id: str | None = None) -> Run:
    """Read a run.

    Args:
        metadata_path: the SQLite file.
        run_id: as the runner named it; None for the run that was started last.

    Raises:
        ValueError: there is no run, or none of that name; the message has the cure, or the names.
    """
    known = store.known_runs(metadata_path)
    run_id = run_id or known[-1]
    if run_id not in known:
        raise ValueError(store.tell_unknown(run_id, known))
    with _store(metadata_path) as handle:
        context = handle.store.get_context_by_type_and_name(store.RUN, run_id)
        parents = handle.store.get_parent_contexts_by_context(context.id)
        # A run of some steps has the run that made their inputs as a parent as well.
        [pipeline] = [parent for parent in parents if parent.type != store.RUN]
        executions = handle.store.get_executions_by_context(context.id)
        steps = [_step(handle, execution) for execution in sorted(executions, key=lambda e: e.id)]
        if not steps:
            raise ValueError(
                f"Run {run_id} ended before its first step, so there is nothing of it."
            )
        by_name = {step.name: step for step in steps}
        return Run(
            run_id=run_id,
            pipeline=pipeline.name,
            facts={
                name: value.string_value
                for name, value in sorted(context.custom_properties.items())
            },
            steps=by_name,
            trained_by=_making_run(handle, by_name, "Trainer", "outputs", "model"),
            baseline_run=_making_run(handle, by_name, "Evaluator", "inputs", "baseline_model"),
        )


def _store(metadata_path: Path) -> metadata.Metadata:
    return metadata.Metadata(metadata.sqlite_metadata_connection_config(str(metadata_path)))


def _step(handle: metadata.Metadata, execution: metadata_store_pb2.Execution) -> Step:
    inputs = execution_lib.get_input_artifacts(handle, execution.id)
    outputs = execution_lib.get_output_artifacts(handle, execution.id)
    begin, end = (
        datetime.fromtimestamp(milliseconds / 1000).astimezone()
        for milliseconds in (
            execution.create_time_since_epoch,
            execution.last_update_time_since_epoch,
        )
    )
    return Step(
        name=execution.type.rsplit(".", 1)[-1],
        state=metadata_store_pb2.Execution.State.Name(execution.last_known_state),
        begin=begin,
        duration=end - begin,
        properties={
            name: getattr(value, value.WhichOneof("value"))
            for name, value in execution.custom_properties.items()
        },
        inputs={key: artifacts[0] for key, artifacts in inputs.items() if artifacts},
        outputs={key: artifacts[0] for key, artifacts in outputs.items() if artifacts},
    )


def _making_run(
    handle: metadata.Metadata, steps: dict[str, Step], step: str, side: str, key: str
) -> str:
    """Return the run that made what a step took or gave; empty where there is no such artifact."""
    artifacts = getattr(steps[step], side) if step in steps else {}
    return store.making_run(handle.store, artifacts[key].id) if key in artifacts else ""
