"""Compiles the graph for Vertex AI, with what TFX's compiler leaves out."""

import json
import os
from typing import Any

from tfx.orchestration.kubeflow.v2.kubeflow_v2_dag_runner import (
    KubeflowV2DagRunner,
    KubeflowV2DagRunnerConfig,
)
from tfx.orchestration.pipeline import Pipeline

from pipeline import REPOSITORY
from pipeline.configs import Settings
from pipeline.pipeline import create_pipeline
from pipeline.runs.provenance import commit_label
from pipeline.vertex import spec
from pipeline.vertex.engine import vertex_engine


class VertexRunner(KubeflowV2DagRunner):
    """KubeflowV2DagRunner whose jobs retry, ask for machines and a network, and take parameters.

    Args:
        settings: names and places.
    """

    def __init__(self, settings: Settings) -> None:
        super().__init__(
            config=KubeflowV2DagRunnerConfig(default_image=settings.pipeline_image),
            output_dir="output/vertex",
        )
        self._settings = settings

    def run(
        self,
        pipeline: Pipeline,
        parameter_values: dict[str, Any] | None = None,
        write_out: bool = True,
    ) -> dict[str, Any]:
        """Write the job; TFX's command line replaces the place where it goes.

        Args:
            pipeline: the graph.
            parameter_values: of TFX's runtime parameters, which the graph has none of.
            write_out: whether to write it.

        Returns:
            The PipelineJob.
        """
        job = super().run(pipeline, parameter_values, write_out=False)
        job = spec.amended(job, self._settings)
        job.setdefault("labels", {}).update(commit_label(REPOSITORY))
        if write_out:
            os.makedirs(self._output_dir, exist_ok=True)
            path = os.path.join(self._output_dir, self._output_filename)
            incoming = f"{path}.tmp"
            with open(incoming, "w") as file:
                json.dump(job, file, indent=2, sort_keys=True)
            os.replace(incoming, path)
        return job


def compiled_job(settings: Settings) -> dict[str, Any]:
    """Return the PipelineJob of the graph with these settings, written nowhere.

    Raises:
        ValueError: what is missing or wrong in the settings.
    """
    graph = create_pipeline(settings.load_recipe(), vertex_engine(settings), settings)
    return VertexRunner(settings).run(graph, write_out=False)
