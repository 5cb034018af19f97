"""TFX's Trainer with the executor that has a job of Vertex Training do the work."""

from typing import ClassVar

import tfx.components
from tfx.dsl.components.base import executor_spec
from tfx.extensions.google_cloud_ai_platform.trainer.executor import GenericExecutor


class Trainer(tfx.components.Trainer):
    """See TFX's Trainer, which, unlike its own for Vertex Training, takes statistics."""

    EXECUTOR_SPEC: ClassVar = executor_spec.ExecutorClassSpec(GenericExecutor)
