"""Receives webhooks: trains on new data, serves a new champion."""

import signal
import sys
import threading
from pathlib import Path
from typing import Annotated

import typer

from components.secrets import SecretError, check_reference, read_secret
from pipeline.terminal import fail


def hooks(
    *,
    host: Annotated[str, typer.Option(help="Where it listens.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Where it listens.")] = 8010,
    secret: Annotated[
        str,
        typer.Option(
            metavar="REFERENCE",
            help="Where the secret is read that senders know: the name of a variable, of the "
            "environment or of .env, or projects/PROJECT/secrets/SECRET of Secret Manager.",
        ),
    ] = "HOOKS_SECRET",
    settle: Annotated[
        float,
        typer.Option(
            min=0, metavar="SECONDS", help="How long S3 is to be quiet before a training begins."
        ),
    ] = 60.0,
    state: Annotated[Path, typer.Option(metavar="FOLDER", help="What waits, and the logs.")] = Path(
        "output/hooks"
    ),
) -> int:
    """Serve until it is interrupted.

    RECIPE, DATA_VERSION and all other settings are those of the environment and of .env.

    Returns:
        0 after an interruption; 2 when it cannot begin.
    """
    from pipeline.configs import load_settings
    from pipeline.hooks.queue import Queue
    from pipeline.hooks.server import HookServer, Rules
    from pipeline.hooks.worker import Worker
    from stores.address import parse

    try:
        settings = load_settings()
        watched = parse(settings.data_version) if settings.data_version else None
        if watched is not None and watched.fixed:
            raise ValueError(
                f"DATA_VERSION={watched} cannot change, so there is nothing to wait for: name a "
                "branch or a prefix."
            )
        known = read_secret(check_reference(secret))
        rules = Rules(known, settings.load_recipe(), watched)
        queue = Queue(state / "queue.sqlite", settle)
        server = HookServer((host, port), rules, queue)
    except (ValueError, SecretError) as error:
        return fail(str(error), 2)
    except OSError as error:
        return fail(f"{host}:{port} cannot be listened on: {error.strerror}.", 2)

    def say(text: str) -> None:
        print(text, file=sys.stderr, flush=True)

    stopped = threading.Event()
    worker = Worker(queue, settings, state / "logs", say)
    working = threading.Thread(target=worker.work, args=(stopped,))
    working.start()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    say(f"Listening on http://{host}:{server.server_port}, for {watched or 'no data'}.")
    stopped.wait()
    server.shutdown()
    working.join()
    return 0
