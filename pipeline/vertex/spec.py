"""What a compiled job needs beside what TFX's compiler writes.

Retries, machines, parameters, network, encryption key, the run in MLflow.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pipeline.configs import Settings
from pipeline.vertex.machines import find_resources
from pipeline.vertex.recorded import add_recorder, environment

Json = dict[str, Any]

# A step that is tried again goes on or does nothing twice: checkpoints, versions by content.
RETRIES = {"maxRetryCount": 2, "backoffDuration": "60s", "backoffFactor": 2.0}
_RESOURCES = {"cpuLimit": 4.0, "memoryLimit": 16.0}  # cores, GB
_TRAINERS = ("Trainer", "Tuner")
_CUSTOM_CONFIG = "custom_config"
_RESOLVERS = "latest_blessed_model-"  # TFX compiles two tasks of one node


@dataclass(frozen=True)
class Parameter:
    """What one may change from run to run without compiling again.

    Attributes:
        name: of the parameter.
        type: of schema 2.0.0: INT, DOUBLE or STRING.
        value: unless a run says otherwise.
    """

    name: str
    type: str
    value: str | int | float

    @property
    def placeholder(self) -> str:
        """What the service replaces by the value, anywhere in a constant of the same task."""
        return f"{{{{$.inputs.parameters['{self.name}']}}}}"


def parameters(settings: Settings) -> list[Parameter]:
    """Return the runtime parameters, with the values that the settings give them.

    The architecture is none of them, for it decides on other values of the recipe, nor is what a
    search decides on.
    """
    recipe = settings.load_recipe()
    searched = recipe.search_space if settings.tune or settings.hyperparameters else {}
    given = [
        Parameter("data_root", "STRING", settings.data_root),
        Parameter("epochs", "INT", recipe.epochs),
        Parameter("learning_rate", "DOUBLE", recipe.learning_rate),
    ]
    return [parameter for parameter in given if parameter.name not in searched]


def amended(job: Json, settings: Settings) -> Json:
    """Put in what TFX's compiler leaves out; change the job in place.

    Args:
        job: a PipelineJob as KubeflowV2DagRunner makes it.
        settings: what it was compiled with.
    """
    spec = job["pipelineSpec"]
    _resolve_by_what_was_pushed(spec)
    by_name = {parameter.name: parameter for parameter in parameters(settings)}
    if settings.mlflow_tracking_uri:
        add_recorder(job, settings, {name: one.type for name, one in by_name.items()})
    for name, task in _tasks(spec):
        executor = _executor(spec, name)
        if "container" in executor:
            # A job of Vertex Training begins again by itself; another beside it would spoil it.
            if name != "Trainer" or settings.training_machine_type is None:
                task["retryPolicy"] = dict(RETRIES)
            executor["container"]["resources"] = _resources(name, settings)
            if name == "Trainer" and (variables := environment(settings)):
                executor["container"]["env"] = variables
    if settings.vpc_network:
        job["network"] = settings.vpc_network
    if settings.encryption_key:
        job["encryptionSpec"] = {"kmsKeyName": settings.encryption_key}
    _set_parameter(spec, "ImportExampleGen", "input_base", by_name["data_root"])
    in_training = [parameter for name, parameter in by_name.items() if name != "data_root"]
    for name, _ in _tasks(spec):
        if name in _TRAINERS:
            _embed(spec, name, ["training"], in_training)
        if name == "HFPusher":
            _embed(spec, name, [], [by_name["data_root"]])
    spec["root"].setdefault("inputDefinitions", {})["parameters"] = {
        parameter.name: {"type": parameter.type} for parameter in by_name.values()
    }
    # Explicit, because the service knows no default of a definition that has none.
    job["runtimeConfig"]["parameters"] = {
        parameter.name: _value(parameter) for parameter in by_name.values()
    }
    return job


def _resolve_by_what_was_pushed(spec: Json) -> None:
    """Make the resolvers look for what was pushed instead of for the Evaluator's blessing.

    A model that ModelValidator refused has that blessing too. The Pusher's artifact has the
    properties that TFX's queries ask for.
    """
    executors = spec["deploymentSpec"]["executors"]
    names = [name for name in spec["components"] if name.startswith(_RESOLVERS)]
    places = [(spec["components"], name) for name in names]
    places += [(executors, spec["components"][name]["executorLabel"]) for name in names]
    for holder, name in places:
        text = json.dumps(holder[name])
        holder[name] = json.loads(text.replace("tfx.ModelBlessing", "tfx.PushedModel"))


def _tasks(spec: Json) -> Iterator[tuple[str, Json]]:
    yield from list(spec["root"]["dag"]["tasks"].items())


def _executor(spec: Json, task: str) -> Json:
    component = spec["root"]["dag"]["tasks"][task]["componentRef"]["name"]
    label = spec["components"][component]["executorLabel"]
    return spec["deploymentSpec"]["executors"][label]


def _resources(task: str, settings: Settings) -> Json:
    resources: Json = dict(_RESOURCES)
    trains = task == "Tuner" or (task == "Trainer" and not settings.training_machine_type)
    if trains and settings.training_machine_type:
        resources |= find_resources(settings.training_machine_type)
    if trains and settings.training_accelerator:
        resources["accelerator"] = {
            "type": settings.training_accelerator,
            "count": str(settings.training_accelerator_count),
        }
    return resources


def _set_parameter(spec: Json, task: str, name: str, parameter: Parameter) -> None:
    """Give a task's input the value of a runtime parameter."""
    inputs = spec["root"]["dag"]["tasks"][task]["inputs"]["parameters"]
    inputs[name] = {"componentInputParameter": parameter.name}


def _embed(spec: Json, task: str, path: list[str], embedded: list[Parameter]) -> None:
    """Replace values inside a task's custom_config, a constant of JSON, by placeholders."""
    inputs = spec["root"]["dag"]["tasks"][task]["inputs"]["parameters"]
    constant = inputs[_CUSTOM_CONFIG]["runtimeValue"]["constantValue"]
    config = json.loads(constant["stringValue"])
    place = config
    for key in path:
        place = place[key]
    for parameter in embedded:
        place[parameter.name] = parameter.placeholder
    text = json.dumps(config)
    for parameter in embedded:
        if parameter.type != "STRING":  # a number, which has no quotes
            text = text.replace(json.dumps(parameter.placeholder), parameter.placeholder)
        # The service finds a placeholder's value among the task's own inputs.
        _set_parameter(spec, task, parameter.name, parameter)
        component = spec["root"]["dag"]["tasks"][task]["componentRef"]["name"]
        definitions = spec["components"][component]["inputDefinitions"]["parameters"]
        definitions[parameter.name] = {"type": parameter.type}
    constant["stringValue"] = text


def _value(parameter: Parameter) -> Json:
    kind = {"INT": "intValue", "DOUBLE": "doubleValue", "STRING": "stringValue"}[parameter.type]
    value = str(parameter.value) if parameter.type == "INT" else parameter.value
    return {kind: value}
