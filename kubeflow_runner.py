"""Binds the pipeline to Vertex AI: `tfx … --pipeline-path=kubeflow_runner.py --engine=vertex`."""

import sys

from pipeline.configs import load_settings
from pipeline.data_version import fixed_data
from pipeline.terminal import fail
from pipeline.vertex.requirements import require, require_what_tfx_submits
from tfrecords.terminal import prepare


def main() -> None:
    """Compile the pipeline; `tfx run create` submits what was compiled."""
    try:
        settings = fixed_data(load_settings())
        recipe = settings.load_recipe()
        require(settings)
        require_what_tfx_submits(settings)
        # TFX takes long to import: what is set wrong is said before.
        from pipeline.pipeline import create_pipeline
        from pipeline.vertex.engine import vertex_engine
        from pipeline.vertex.runner import VertexRunner

        graph = create_pipeline(recipe, vertex_engine(settings), settings)
    except ValueError as error:
        sys.exit(fail(str(error), 2))
    VertexRunner(settings).run(graph)


if __name__ == "__main__":
    prepare()
    main()
