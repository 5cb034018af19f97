"""Compiles the graph for Vertex AI, with what TFX's compiler leaves out."""

import json
import os
from typing import Any

from tfx import v1 as tfx
from tfx.orchestration.kubeflow.v2.kubeflow_v2_dag_runner import KubeflowV2DagRunner

from pipeline.configs import Settings
from pipeline.vertex import spec


class VertexRunner(KubeflowV2DagRunner):
    """KubeflowV2DagRunner whose jobs retry, ask for machines and take parameters.

    Args:
        settings: names and places.
    """

    def __init__(self, settings: Settings) -> None:
        super().__init__(
            config=tfx.orchestration.experimental.KubeflowV2DagRunnerConfig(
                default_image=settings.pipeline_image
            ),
            output_dir="output/vertex",
        )
        self._settings = settings

    def run(self, pipeline: tfx.dsl.Pipeline, **options: Any) -> dict[str, Any]:
        """Writes the job; TFX's command line replaces the place where it goes.

        Args:
            pipeline: the graph.
            **options: of the base class's method.

        Returns:
            The PipelineJob.
        """
        job = spec.amended(super().run(pipeline, write_out=False, **options), self._settings)
        os.makedirs(self._output_dir, exist_ok=True)
        path = os.path.join(self._output_dir, self._output_filename)
        incoming = f"{path}.tmp"
        with open(incoming, "w") as file:
            json.dump(job, file, indent=2, sort_keys=True)
        os.replace(incoming, path)
        return job
