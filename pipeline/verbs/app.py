"""Serves the newest pushed model to the browser."""

import os
import sys
from pathlib import Path

from components.demo import find_app
from components.flags import with_settings
from pipeline.configs import Settings
from pipeline.terminal import fail
from tfrecords.photos import write_photos


@with_settings(Settings)
def app(settings: Settings) -> int:
    """Becomes the demo app, serving the newest version; returns 2 when nothing was pushed.

    Its examples are photos that validated, where the data are on this machine.
    """
    pushed = Path(settings.serving_dir)
    versions = [path.parent for path in pushed.glob("*/saved_model.pb")]
    numbers = [int(version.name) for version in versions if version.name.isdecimal()]
    if not numbers:
        return fail(
            f"No model was pushed to {pushed} yet: run the pipeline first, as `make demo` does.", 2
        )
    newest = pushed / str(max(numbers))
    # The app knows nothing of this repository, just as on the Hub.
    app = find_app(settings.load_recipe().task) / "app.py"
    command = [sys.executable, str(app), "--model", str(newest)]
    examples = Path(settings.pipeline_root) / "app-examples"
    if write_photos(settings.data_root, examples):
        command += ["--examples", str(examples)]
    os.execv(sys.executable, command)
