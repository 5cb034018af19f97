"""Binds the pipeline to the local engine: `tfx … --pipeline-path=local_runner.py`."""

import sys
from typing import TYPE_CHECKING

from pipeline.configs import Settings, load_settings
from pipeline.data_version import with_data
from pipeline.terminal import fail
from tfrecords.terminal import prepare

if TYPE_CHECKING:
    from tfx.orchestration.pipeline import Pipeline


def bind(settings: Settings) -> "Pipeline":
    """Return the graph for the local engine.

    Raises:
        ValueError: what is wrong in the settings.
    """
    recipe = settings.load_recipe()
    # TFX takes long to import: what is set wrong is said before.
    from pipeline.engines import local_engine
    from pipeline.pipeline import create_pipeline

    return create_pipeline(recipe, local_engine(settings), settings)


def main() -> None:
    """Run the pipeline, or compile it when `tfx` asks for that."""
    try:
        settings = with_data(load_settings())
        graph = bind(settings)
    except ValueError as error:
        sys.exit(fail(str(error), 2))
    from pipeline.local import LocalRunner

    LocalRunner(settings).run(graph)


if __name__ == "__main__":
    prepare()
    main()
