"""What tests have done in a process whose Google Cloud is emulated."""

import contextlib
import io

from serving.__main__ import main
from serving.endpoint_client import EndpointClient
from serving.predictions import Prediction


def ask(endpoint: str, images: list[bytes], **options) -> list[Prediction]:
    """Asks an Endpoint by its name."""
    return EndpointClient(endpoint, **options).predict(images)


def command(*arguments: str) -> tuple[int, str, str]:
    """Runs `python -m serving`; returns its exit status and what it printed."""
    output, errors = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(output), contextlib.redirect_stderr(errors):
        status = main(arguments)
    return status, output.getvalue(), errors.getvalue()
