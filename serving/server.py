"""The command line of TensorFlow Serving's own binary; compose.yaml has the same."""

import os
import shutil
from pathlib import Path

from serving import config
from serving.errors import ServingError

BINARY = "tensorflow_model_server"
SETTINGS = Path(__file__).parent
POLL_SECONDS = 5
_DOCKER = "docker"


def flags(
    folder: str, settings: str = str(SETTINGS), rest_port: int = 8501, grpc_port: int = 8500
) -> list[str]:
    """Return the server's flags.

    Args:
        folder: the Pusher's folder, as an absolute path.
        settings: folder of batching.conf and monitoring.conf.
        rest_port: where it answers REST.
        grpc_port: where it answers gRPC.
    """
    return [
        f"--rest_api_port={rest_port}",
        f"--port={grpc_port}",
        f"--model_config_file={folder}/{config.FILE}",
        f"--model_config_file_poll_wait_seconds={POLL_SECONDS}",
        # When the server starts nothing is loaded yet, and it would refuse every label.
        "--allow_version_labels_for_unavailable_models=true",
        "--enable_batching=true",
        f"--batching_parameters_file={settings}/batching.conf",
        f"--monitoring_config_file={settings}/monitoring.conf",
    ]


def start_container(folder: Path, model: str) -> None:
    """Becomes Docker, which runs the server by compose.yaml.

    Args:
        folder: the Pusher's folder, which the container has at the same absolute path.
        model: name of the model, which the health check asks for.

    Raises:
        ServingError: there is no Docker.
    """
    if shutil.which(_DOCKER) is None:
        raise ServingError(
            f"There is no {_DOCKER} on PATH: install it, or TensorFlow Serving, and leave out "
            "--container."
        )
    command = [_DOCKER, "compose", "--file", str(SETTINGS / "compose.yaml"), "up"]
    told = {"SERVING_DIR": str(folder.resolve()), "MODEL_NAME": model}
    os.execvpe(_DOCKER, command, {**os.environ, **told})


def start(folder: Path, rest_port: int, grpc_port: int) -> None:
    """Becomes the server.

    Raises:
        ServingError: there is no binary.
    """
    if shutil.which(BINARY) is None:
        raise ServingError(
            f"There is no {BINARY} on PATH: install TensorFlow Serving, or run "
            "`make serve-tfserving`, which takes its container."
        )
    arguments = flags(str(folder.absolute()), rest_port=rest_port, grpc_port=grpc_port)
    os.execvp(BINARY, [BINARY, *arguments])
