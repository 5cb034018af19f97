"""What a step's command is told: its ExecutorInput, and the placeholders in its arguments."""

import dataclasses
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from google.protobuf import json_format
from kfp.pipeline_spec import pipeline_spec_pb2

from pipeline.jobs.states import Artifact, RehearsalError
from pipeline.rehearsal.inputs import PLACEHOLDER, as_text
from pipeline.rehearsal.parameters import to_json

_PATH = re.compile(
    r"\.(?P<side>inputs|outputs)\.(?P<kind>parameters|artifacts)\['(?P<name>[^']+)'\]"
    r"(\.(?P<field>\w+))?(\['(?P<key>[^']+)'\])?"
)


@dataclass(frozen=True)
class Invocation:
    """One call of a task.

    Attributes:
        parameters: input parameters by name.
        inputs: input artifacts by name; an empty list for what a resolver did not find.
        outputs: the artifacts to be written, by name.
        output_parameters: the file for each output parameter, by name.
        output_file: where the ExecutorOutput is expected.
        names: what `{{$.pipeline_…}}` stands for.
    """

    parameters: Mapping[str, Any]
    inputs: Mapping[str, list[Artifact]]
    outputs: Mapping[str, Artifact]
    output_parameters: Mapping[str, str]
    output_file: str
    names: Mapping[str, str]

    def mapped(self, change: Callable[[str], str]) -> "Invocation":
        """Return the same with all texts changed, types of artifacts aside."""

        def artifact(old: Artifact) -> Artifact:
            return dataclasses.replace(
                old, uri=change(old.uri), metadata=change_texts(old.metadata, change)
            )

        return Invocation(
            parameters=change_texts(self.parameters, change),
            inputs={name: [artifact(a) for a in listed] for name, listed in self.inputs.items()},
            outputs={name: artifact(a) for name, a in self.outputs.items()},
            output_parameters=change_texts(self.output_parameters, change),
            output_file=change(self.output_file),
            names=change_texts(self.names, change),
        )

    def executor_input(self, component: pipeline_spec_pb2.ComponentSpec) -> dict[str, Any]:
        """Return the ExecutorInput in the form of its JSON."""
        message = pipeline_spec_pb2.ExecutorInput()
        outputs = {name: [artifact] for name, artifact in self.outputs.items()}
        json_format.ParseDict(
            {
                "inputs": {
                    **to_json(component.input_definitions.parameters, self.parameters),
                    "artifacts": _artifact_lists(self.inputs),
                },
                "outputs": {
                    "artifacts": _artifact_lists(outputs),
                    "parameters": {
                        name: {"outputFile": path} for name, path in self.output_parameters.items()
                    },
                    "outputFile": self.output_file,
                },
            },
            message,
        )
        return json_format.MessageToDict(message)

    def resolve(
        self,
        text: str,
        component: pipeline_spec_pb2.ComponentSpec,
        read: Callable[[str], bytes | None],
    ) -> str:
        """Replace the placeholders in an argument.

        Args:
            text: the argument.
            component: the task's.
            read: gives the content of a value artifact, by its URI.

        Raises:
            RehearsalError: a placeholder stands for nothing.
        """

        def value(match: re.Match[str]) -> str:
            path = match[1]
            if not path:
                return json.dumps(self.executor_input(component))
            try:
                found = self._value(path, read)
            except (LookupError, AttributeError) as error:
                raise RehearsalError(f"The placeholder {match[0]} stands for nothing.") from error
            return as_text(found)

        return PLACEHOLDER.sub(value, text)

    def _value(self, path: str, read: Callable[[str], bytes | None]) -> Any:
        match = _PATH.fullmatch(path)
        if match is None:
            return self.names[path.removeprefix(".")]
        side, kind, name, field, key = match.group("side", "kind", "name", "field", "key")
        if kind == "parameters":
            return (self.parameters if side == "inputs" else self.output_parameters)[name]
        artifact = self.inputs[name][0] if side == "inputs" else self.outputs[name]
        if field == "value":
            content = read(artifact.uri)
            if content is None:
                raise LookupError(artifact.uri)
            return content.decode()
        found = getattr(artifact, field)
        return found if key is None else found[key]


def change_texts(value: Any, change: Callable[[str], str]) -> Any:
    """Return a JSON value with all its strings changed, keys aside."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, Mapping):
        return {key: change_texts(item, change) for key, item in value.items()}
    if isinstance(value, list):
        return [change_texts(item, change) for item in value]
    return value


def _artifact_lists(artifacts: Mapping[str, list[Artifact]]) -> dict[str, Any]:
    return {
        name: {"artifacts": [vars(artifact) for artifact in listed]}
        for name, listed in artifacts.items()
    }
