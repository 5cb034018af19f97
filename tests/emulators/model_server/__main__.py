"""`tensorflow_model_server` with the flags that serving/server.py gives it, and no others."""

import argparse
import signal
from pathlib import Path

from .emulator import ServingEmulator


def main() -> None:
    """Serves until SIGTERM or Ctrl-C."""
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("--rest_api_port", type=int, required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--model_config_file", type=Path, required=True)
    parser.add_argument("--model_config_file_poll_wait_seconds", type=float, required=True)
    parser.add_argument(
        "--allow_version_labels_for_unavailable_models", choices=["true", "false"], default="false"
    )
    parser.add_argument("--enable_batching", choices=["true", "false"], default="false")
    parser.add_argument("--batching_parameters_file", type=argparse.FileType())
    parser.add_argument("--monitoring_config_file", type=argparse.FileType())
    flags = parser.parse_args()
    # Before TensorFlow's threads are there: they inherit it, and the wait below is the only one.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT})
    with ServingEmulator(
        flags.model_config_file,
        flags.rest_api_port,
        flags.port,
        flags.model_config_file_poll_wait_seconds,
        flags.allow_version_labels_for_unavailable_models == "true",
    ):
        signal.sigwait({signal.SIGTERM, signal.SIGINT})


if __name__ == "__main__":
    main()
