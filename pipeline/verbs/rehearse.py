"""Runs a job compiled for Vertex AI on this machine."""

import argparse
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the verb's arguments."""
    parser.add_argument(
        "--spec",
        type=Path,
        metavar="FILE",
        help="PipelineJob as KubeflowV2DagRunner writes it; default: this pipeline, compiled anew",
    )
    parser.add_argument(
        "--store",
        type=Path,
        metavar="DIR",
        default=Path("output/rehearsal"),
        help="folder of metadata, logs, and gcs/BUCKET for gs://BUCKET; default: %(default)s",
    )
    parser.add_argument(
        "--parameter",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="value of a parameter of the job; may be repeated",
    )
    parser.add_argument("--no-cache", action="store_true", help="run every step anew")
    parser.add_argument(
        "--parallel", type=int, metavar="N", help="steps at a time; default: one for each core"
    )


def run(arguments: argparse.Namespace) -> int:
    """Rehearses; see `pipeline.rehearsal.command.run` for the exit code."""
    from pipeline.rehearsal import command

    return command.run(arguments)
