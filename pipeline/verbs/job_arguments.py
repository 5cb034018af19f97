"""The arguments of the verbs that run a job compiled for Vertex AI."""

import argparse
from pathlib import Path


def add_job_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares which job is run, and with what parameters."""
    parser.add_argument(
        "--spec",
        type=Path,
        metavar="FILE",
        help="PipelineJob as KubeflowV2DagRunner writes it; default: this pipeline, compiled anew",
    )
    parser.add_argument(
        "--parameter",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="value of a parameter of the job; may be repeated",
    )
    parser.add_argument("--no-cache", action="store_true", help="run every step anew")
