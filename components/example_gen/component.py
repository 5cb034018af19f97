"""TFX's ImportExampleGen with this folder's executor."""

from typing import ClassVar

import tfx.components
from tfx.dsl.components.base import executor_spec

from components.example_gen.executor import Executor


class ImportExampleGen(tfx.components.ImportExampleGen):
    """See TFX's ImportExampleGen, for splits that the input names and tf.Examples."""

    EXECUTOR_SPEC: ClassVar = executor_spec.BeamExecutorSpec(Executor)
