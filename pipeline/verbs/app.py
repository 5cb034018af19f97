"""Serves the newest pushed model to the browser."""

import argparse
import os
import sys
from pathlib import Path

from pipeline.configs import load_settings
from pipeline.terminal import fail

APP = Path(__file__).parents[2] / "apps/gradio/semantic_segmentation/app.py"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the verb's arguments: none."""


def run(arguments: argparse.Namespace) -> int:
    """Becomes the demo app, serving the newest version; returns 2 when nothing was pushed."""
    try:
        pushed = Path(load_settings().serving_dir)
    except ValueError as error:
        return fail(str(error), 2)
    versions = [path.parent for path in pushed.glob("*/saved_model.pb")]
    numbers = [int(version.name) for version in versions if version.name.isdecimal()]
    if not numbers:
        return fail(
            f"No model was pushed to {pushed} yet: run the pipeline first, as `make demo` does.", 2
        )
    newest = pushed / str(max(numbers))
    # The app knows nothing of this repository, just as on the Hub.
    os.execv(sys.executable, [sys.executable, str(APP), "--model", str(newest)])
