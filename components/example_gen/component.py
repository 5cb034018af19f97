"""TFX's ImportExampleGen with this folder's executor."""

from typing import ClassVar

import tfx.components
from google.protobuf import any_pb2, wrappers_pb2
from tfx.components.example_gen.component import FileBasedExampleGen
from tfx.dsl.components.base import executor_spec
from tfx.proto import example_gen_pb2

from components.example_gen.executor import Executor


class ImportExampleGen(tfx.components.ImportExampleGen):
    """See TFX's ImportExampleGen, for splits that the input names and tf.Examples.

    Args:
        input_base: folder of the shards.
        input_config: the splits.
        data_version: fixed address of the data, which the examples have as a property; empty where
            they have no version.
    """

    EXECUTOR_SPEC: ClassVar = executor_spec.BeamExecutorSpec(Executor)

    def __init__(
        self, input_base: str, input_config: example_gen_pb2.Input, data_version: str = ""
    ) -> None:
        # TFX's own takes no configuration for the executor, which its base class has a place for.
        FileBasedExampleGen.__init__(
            self,
            input_base=input_base,
            input_config=input_config,
            custom_config=_configuration(data_version) if data_version else None,
        )


def _configuration(data_version: str) -> example_gen_pb2.CustomConfig:
    packed = any_pb2.Any()
    packed.Pack(wrappers_pb2.StringValue(value=data_version))
    return example_gen_pb2.CustomConfig(custom_config=packed)
