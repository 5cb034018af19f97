"""Waits for the end of a job on Vertex AI and tells its verdict."""

import argparse

from rich.console import Console

from pipeline.configs import load_settings
from pipeline.terminal import fail
from pipeline.verbs.following import add_summary, follow


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the verb's arguments."""
    parser.add_argument("job", metavar="JOB_ID", help="or projects/…/pipelineJobs/JOB_ID")
    add_summary(parser)


def run(arguments: argparse.Namespace) -> int:
    """Shows the steps until the job ends, and what came of it.

    Returns:
        0 when the model was blessed or refused; 1 when the job failed, was cancelled or cannot be
        followed; 2 when it cannot be found; 130 when interrupted, which leaves the job running.
    """
    from pipeline.vertex.names import locate

    try:
        job_id, settings = locate(arguments.job, load_settings())
    except ValueError as error:
        return fail(str(error), 2)

    from components.google_cloud import CloudError  # Google's clients, which take long to import
    from pipeline.vertex.jobs import Vertex

    try:
        cloud = Vertex(settings)
        name = cloud.name(job_id)
        if cloud.find(name) is None:
            return fail(f"{cloud.what} has no job {job_id}; `submit` prints the ids.", 2)
    except CloudError as error:
        return fail(str(error), 2)
    return follow(Console(soft_wrap=True), cloud, name, arguments.summary)
