"""Runs a command against an emulated Hub, or serves one until Ctrl-C."""

import argparse
import os
import secrets
import signal
import sys
from pathlib import Path

from ..commands import run_command
from .emulator import HubEmulator
from .storage import FolderInUse

USER = "demo"


def parse_arguments() -> argparse.Namespace:
    """Reads the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.emulators.hub",
        description=f"Runs COMMAND with a local emulator of the Hugging Face Hub as its Hub and a "
        f'token of the user "{USER}". Without COMMAND it serves until Ctrl-C, and HF_TOKEN of the '
        f"environment, if set, is that user's token.",
    )
    parser.add_argument("--state", type=Path, required=True, help="the folder that holds it all")
    parser.add_argument("--port", type=int, default=8756)
    parser.add_argument("command", nargs="*", metavar="COMMAND", help="after --")
    return parser.parse_args()


def listen(state: Path, port: int, token: str | None) -> HubEmulator:
    """Makes the emulator, on another port when the wanted one is taken."""
    users = {USER: token} if token else {}
    try:
        return HubEmulator(state, port, users)
    except OSError as error:
        hub = HubEmulator(state, 0, users)
        print(
            f"Port {port} cannot be had ({error.strerror}), so the Hub emulator is at "
            f"{hub.endpoint} instead.",
            file=sys.stderr,
        )
        return hub


def run(command: list[str], endpoint: str, token: str) -> int:
    """Runs a command whose Hub is the emulator and returns its exit status."""
    environment = {
        **os.environ,
        "HF_ENDPOINT": endpoint,
        "HF_TOKEN": token,
        "HF_HUB_DISABLE_XET": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1",
    }
    for name in ("HF_HUB_OFFLINE", "HF_OIDC_RESOURCE"):
        environment.pop(name, None)
    return run_command(command, environment)


def serve(hub: HubEmulator) -> int:
    """Serves until a signal ends it."""
    # Threads take the mask over from here, so that the signal waits for sigwait.
    signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGINT, signal.SIGTERM))
    with hub:
        print(f"The Hub emulator is at {hub.endpoint}; Ctrl-C ends it.", flush=True)
        signal.sigwait((signal.SIGINT, signal.SIGTERM))
    return 0


def main() -> int:
    """Does what the command line says."""
    arguments = parse_arguments()
    token = f"hf_{secrets.token_urlsafe(24)}"
    users_token = token if arguments.command else os.environ.get("HF_TOKEN")
    try:
        hub = listen(arguments.state, arguments.port, users_token)
    except FolderInUse as error:
        print(f"{error}.", file=sys.stderr)
        return 1
    if not arguments.command:
        return serve(hub)
    with hub:
        return run(arguments.command, hub.endpoint, token)


if __name__ == "__main__":
    sys.exit(main())
