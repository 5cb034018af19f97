"""`python -m pipeline VERB`: the verbs that `tfx` lacks."""

import argparse
import os
import sys

# Before TensorFlow is imported: its C++ notices about the machine are nothing to act on.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

from rich.console import Console

from pipeline.configs import load_settings


def main() -> int:
    """Runs a verb; returns its exit code."""
    parser = argparse.ArgumentParser(prog="python -m pipeline", description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    verbs.add_parser("check", help="name what is wrong or missing before a run")
    parser.parse_args()
    return check()


def check() -> int:
    """Prints what a run would meet; returns 0, or 2 when something must be mended first."""
    from pipeline.check import check_local

    console = Console(soft_wrap=True)
    try:
        for line in check_local(load_settings()):
            console.print(f"[green]ok[/] {line}")
    except ValueError as error:
        console.print(str(error), style="red", markup=False)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
