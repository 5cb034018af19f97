#!/usr/bin/env python
"""Stands for `boot` of Beam's SDK containers, a program in Go that only those images hold.

Starts a worker as that program does: asks the runner for the job's options, writes them into the
working directory, makes the folder of staged files, and runs Beam's worker, which finds its runner
by environment variables. It knows jobs without staged files, in the container's own Python
environment.
"""

import argparse
import os
import subprocess
import sys
from pathlib import Path

import grpc
from apache_beam.portability.api import beam_provision_api_pb2 as messages
from apache_beam.portability.api import beam_provision_api_pb2_grpc as services
from google.protobuf import json_format

OPTIONS_FILE = "pipeline_options.json"
ENDPOINTS = ("logging", "artifact", "control")


def main() -> None:
    """Runs one worker until its runner lets it go.

    Raises:
        SystemExit: with the worker's exit code, or a sentence about what is missing.
    """
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("--id")
    parser.add_argument("--provision_endpoint")
    parser.add_argument("--semi_persist_dir", default="/tmp")
    for name in ENDPOINTS:
        parser.add_argument(f"--{name}_endpoint")
    given = vars(parser.parse_args())
    for name in ("id", "provision_endpoint"):
        if not given[name]:
            sys.exit(f"No {name.replace('_', ' ')} provided.")
    if not os.environ.get("RUN_PYTHON_SDK_IN_DEFAULT_ENVIRONMENT"):
        sys.exit("RUN_PYTHON_SDK_IN_DEFAULT_ENVIRONMENT is not set: set it in the image.")

    told = provision_info(given["provision_endpoint"], given["id"])
    if told.dependencies:
        sys.exit("The job has staged files, which this program cannot fetch.")
    for name in ENDPOINTS:
        told_endpoint = getattr(told, f"{name}_endpoint").url
        given[name] = told_endpoint or given[f"{name}_endpoint"]
        if not given[name]:
            sys.exit(f"No {name} endpoint provided.")
    Path(given["semi_persist_dir"], "staged").mkdir(parents=True, exist_ok=True)
    Path(OPTIONS_FILE).write_text(json_format.MessageToJson(told.pipeline_options))
    variables = {
        "PIPELINE_OPTIONS_FILE": OPTIONS_FILE,
        "SEMI_PERSISTENT_DIRECTORY": given["semi_persist_dir"],
        "LOGGING_API_SERVICE_DESCRIPTOR": f'url: "{given["logging"]}"',
        "CONTROL_API_SERVICE_DESCRIPTOR": f'url: "{given["control"]}"',
        "RUNNER_CAPABILITIES": " ".join(told.runner_capabilities),
        "WORKER_ID": given["id"],
    }
    command = ["python", "-m", "apache_beam.runners.worker.sdk_worker_main"]
    sys.exit(subprocess.run(command, env=os.environ | variables).returncode)


def provision_info(endpoint: str, worker: str) -> messages.ProvisionInfo:
    """Asks the runner what a worker is to know.

    Args:
        endpoint: HOST:PORT of the runner's provision service.
        worker: the worker's id.
    """
    with grpc.insecure_channel(endpoint) as channel:
        service = services.ProvisionServiceStub(channel)
        asked = messages.GetProvisionInfoRequest()
        answer = service.GetProvisionInfo(asked, metadata=[("worker_id", worker)], timeout=60)
    return answer.info


if __name__ == "__main__":
    main()
