"""Past runs, read back from the local engine's metadata store."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import tensorflow_model_analysis as tfma
from ml_metadata.proto import metadata_store_pb2
from tfx.components.statistics_gen import stats_artifact_utils
from tfx.orchestration import metadata
from tfx.orchestration.portable.mlmd import execution_lib
from tfx.types import Artifact, artifact_utils

from models.train import FIGURES
from pipeline import verdict
from pipeline.tuned import Hyperparameters, read_hyperparameters

RUN_CONTEXT = "pipeline_run"


@dataclass(frozen=True)
class Step:
    """One node of a run."""

    name: str
    cached: bool
    outputs: dict[str, Artifact] = field(repr=False)


@dataclass(frozen=True)
class Run:
    """A run and the artifacts that it made or reused."""

    run_id: str
    steps: dict[str, Step]

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

    def training_figures(self) -> dict[str, Any]:
        """What the Trainer wrote: steps, images_per_second, history."""
        return json.loads((self.uri("Trainer", "model_run") / FIGURES).read_text())

    def hyperparameters(self) -> Hyperparameters | None:
        """What the Tuner found, in this run or in an earlier one; None where there was no Tuner."""
        for step in ("Tuner", "Importer"):
            if step in self.steps:
                return read_hyperparameters(str(self.uri(step, "best_hyperparameters")))
        return None

    def metrics(self) -> dict[str, float]:
        """The candidate's metrics over the whole validation split, by name."""
        result = tfma.load_eval_result(str(self.uri("Evaluator", "evaluation")))
        overall = result.get_metrics_for_slice(())
        return {
            name: float(value["doubleValue"])
            for name, value in overall.items()
            if "doubleValue" in value
        }

    def refusals(self) -> list[str]:
        """Why the gate refused, in words; empty when it blessed."""
        return verdict.words(str(self.uri("Evaluator", "evaluation")))

    @property
    def blessed(self) -> bool:
        """The Evaluator's verdict."""
        return (self.uri("Evaluator", "blessing") / "BLESSED").exists()

    @property
    def pushed_model(self) -> str:
        """Folder of the pushed SavedModel; empty when nothing was pushed."""
        artifact = self.steps["Pusher"].outputs["pushed_model"]
        return artifact.get_string_custom_property("pushed_destination")


def load_run(metadata_path: Path, run_id: str) -> Run:
    """Reads a run.

    Args:
        metadata_path: the SQLite file.
        run_id: as the runner named it.

    Raises:
        LookupError: the store knows no such run.
    """
    connection = metadata.sqlite_metadata_connection_config(str(metadata_path))
    with metadata.Metadata(connection) as handle:
        context = handle.store.get_context_by_type_and_name(RUN_CONTEXT, run_id)
        if context is None:
            raise LookupError(f"{metadata_path} knows no run {run_id}.")
        executions = handle.store.get_executions_by_context(context.id)
        return Run(run_id, {step.name: step for step in (_step(handle, e) for e in executions)})


def _step(handle: metadata.Metadata, execution: metadata_store_pb2.Execution) -> Step:
    outputs = execution_lib.get_output_artifacts(handle, execution.id)
    return Step(
        name=execution.type.rsplit(".", 1)[-1],
        cached=execution.last_known_state == metadata_store_pb2.Execution.CACHED,
        outputs={key: artifacts[0] for key, artifacts in outputs.items() if artifacts},
    )
