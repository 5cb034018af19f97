"""The graph: what runs, in which order, on which engine."""

import sys
from importlib.util import find_spec
from pathlib import Path

REPOSITORY = Path(__file__).parents[1]

if find_spec("tfx") is None:
    print(
        f"{sys.executable} has no tfx, without which nothing here runs: run `make setup`, and use "
        "`.venv/bin/visionpipe`, `.venv/bin/python local_runner.py` or a target of `make`.",
        file=sys.stderr,
    )
    sys.exit(2)
