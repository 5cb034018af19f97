"""Binds the pipeline to the local engine: `tfx … --pipeline-path=local_runner.py`."""

import os
import sys

# Before TensorFlow is imported: its C++ notices about the machine are nothing to act on.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

from pipeline.configs import load_settings
from pipeline.terminal import fail
from tfrecords.terminal import prepare


def main() -> None:
    """Runs the pipeline, or compiles it when `tfx` asks for that."""
    try:
        settings = load_settings()
        recipe = settings.load_recipe()
        # TFX takes long to import: what is set wrong is said before.
        from pipeline.engines import local_engine
        from pipeline.local import LocalRunner
        from pipeline.pipeline import create_pipeline

        graph = create_pipeline(recipe, local_engine(settings), settings)
    except ValueError as error:
        sys.exit(fail(str(error), 2))
    LocalRunner(settings).run(graph)


if __name__ == "__main__":
    prepare()
    main()
