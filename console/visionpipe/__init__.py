"""The command `visionpipe`, from whatever folder it is typed in."""

import sys
from pathlib import Path


def main() -> int:
    """Run `python -m pipeline` of the project that holds this file; return its exit code."""
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
    from pipeline import __main__ as command

    command.prepare()
    return command.main()
