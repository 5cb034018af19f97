"""TFX's Pusher with this folder's executor."""

from typing import ClassVar

import tfx.components
from tfx.dsl.components.base import executor_spec

from components.endpoint_pusher.executor import Executor


class Pusher(tfx.components.Pusher):
    """See TFX's Pusher; its `custom_config` holds a `Deployment` as `deployment`."""

    EXECUTOR_SPEC: ClassVar = executor_spec.ExecutorClassSpec(Executor)
