"""Small PipelineJobs, put together by hand, whose steps start at once."""

import importlib.metadata
import json
import textwrap
from typing import Any

ROOT = "gs://demo-bucket/pipeline"
DATASET = {"instanceSchema": "title: tfx.Dataset\ntype: object\n"}


def step(script: str = "", *, after: tuple[str, ...] = (), **parts: Any) -> dict[str, Any]:
    """A step that runs a Python script.

    Args:
        script: its arguments are the part `args`.
        after: steps that it waits for.
        **parts: `inputs` (INPUT="STEP.OUTPUT"), `outputs` (names), `parameters` (values), `args`,
            `driver` (a script), `env`, `task` (more of its PipelineTaskSpec), `executor`.
    """
    return {"script": textwrap.dedent(script), "after": list(after), **parts}


def job(steps: dict[str, Any], parameters: dict[str, Any] | None = None, **config: Any) -> Any:
    """A PipelineJob.

    Args:
        steps: by name.
        parameters: the root's declarations by name.
        **config: more of its runtimeConfig.
    """
    return {
        "displayName": "demo",
        "pipelineSpec": {
            "schemaVersion": "2.1.0",
            "sdkVersion": f"tfx-{importlib.metadata.version('tfx')}",
            "pipelineInfo": {"name": "demo"},
            "components": {name: _component(name, parts) for name, parts in steps.items()},
            "deploymentSpec": {
                "executors": {f"{name}_executor": _executor(parts) for name, parts in steps.items()}
            },
            "root": {
                "dag": {"tasks": {name: _task(name, parts) for name, parts in steps.items()}},
                "inputDefinitions": {"parameters": parameters or {}},
            },
        },
        "runtimeConfig": {"gcsOutputDirectory": ROOT, **config},
    }


def _component(name: str, parts: dict[str, Any]) -> dict[str, Any]:
    types = {int: "NUMBER_INTEGER", str: "STRING", float: "NUMBER_DOUBLE", dict: "STRING"}
    return {
        "executorLabel": f"{name}_executor",
        "inputDefinitions": {
            "artifacts": {key: {"artifactType": DATASET} for key in parts.get("inputs", {})},
            "parameters": {
                key: {"parameterType": types[type(value)]}
                for key, value in parts.get("parameters", {}).items()
            },
        },
        "outputDefinitions": {
            "artifacts": {key: {"artifactType": DATASET} for key in parts.get("outputs", ())},
            "parameters": {
                key: {"parameterType": "STRING"} for key in parts.get("output_parameters", ())
            },
        },
    }


def _executor(parts: dict[str, Any]) -> dict[str, Any]:
    if "executor" in parts:
        return parts["executor"]
    container = {
        "image": "gcr.io/demo/image@sha256:0",
        "command": ["python", "-c", parts["script"]],
        "args": parts.get("args", []),
        "env": [{"name": name, "value": value} for name, value in parts.get("env", {}).items()],
    }
    if "driver" in parts:
        command = ["python", "-c", textwrap.dedent(parts["driver"]), "{{$}}"]
        container["lifecycle"] = {"preCacheCheck": {"command": command}}
    return {"container": container}


def _task(name: str, parts: dict[str, Any]) -> dict[str, Any]:
    def source(origin: str) -> dict[str, Any]:
        producer, output = origin.split(".")
        return {"taskOutputArtifact": {"producerTask": producer, "outputArtifactKey": output}}

    def value(given: Any) -> dict[str, Any]:
        return given if isinstance(given, dict) else {"runtimeValue": {"constant": given}}

    return {
        "taskInfo": {"name": name},
        "componentRef": {"name": name},
        "cachingOptions": {"enableCache": True},
        "dependentTasks": parts["after"],
        "inputs": {
            "artifacts": {key: source(origin) for key, origin in parts.get("inputs", {}).items()},
            "parameters": {key: value(given) for key, given in parts.get("parameters", {}).items()},
        },
        **parts.get("task", {}),
    }


def saying(**output: Any) -> str:
    """A script that writes an ExecutorOutput to where its first argument, `{{$}}`, wants it."""
    return textwrap.dedent(f"""
        import json, pathlib, sys
        told = json.loads(sys.argv[1])
        file = pathlib.Path(told["outputs"]["outputFile"])
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(json.loads({json.dumps(output)!r})))
    """)
