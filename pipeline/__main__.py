"""`python -m pipeline VERB`: the verbs that `tfx` lacks."""

import argparse
import os
import sys

# Before TensorFlow is imported: its C++ notices about the machine are nothing to act on.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

from pipeline.verbs import app, cancel, check, lineage, rehearse, report, submit, turn, wait
from tfrecords.terminal import prepare

VERBS = {
    "check": check,
    "report": report,
    "lineage": lineage,
    "app": app,
    "rehearse": rehearse,
    "submit": submit,
    "wait": wait,
    "cancel": cancel,
    "turn": turn,
}


def main() -> int:
    """Runs a verb; returns its exit code."""
    parser = argparse.ArgumentParser(prog="python -m pipeline", description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    for name, verb in VERBS.items():
        what = (verb.__doc__ or "").splitlines()[0]
        verb.add_arguments(verbs.add_parser(name, help=what, description=what))
    arguments = parser.parse_args()
    return VERBS[arguments.verb].run(arguments)


if __name__ == "__main__":
    prepare()
    sys.exit(main())
