"""Runs the pipeline on Vertex AI."""

import argparse
import re
from typing import Any

from rich.console import Console

from pipeline.configs import Settings, load_settings
from pipeline.terminal import fail
from pipeline.verbs.following import add_summary, follow
from pipeline.verbs.job_arguments import add_job_arguments
from pipeline.vertex.requirements import require

_LABEL = re.compile(r"[a-z][a-z0-9_-]{0,62}=[a-z0-9_-]{0,63}")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the verb's arguments."""
    add_job_arguments(parser)
    parser.add_argument(
        "--label", action="append", default=[], metavar="NAME=VALUE", help="may be repeated"
    )
    parser.add_argument(
        "--job-id", metavar="ID", help="of the job, by which a repeated submission finds it"
    )
    parser.add_argument("--wait", action="store_true", help="show the steps until the job ends")
    add_summary(parser)


def run(arguments: argparse.Namespace) -> int:
    """Submits the job.

    Returns:
        0; 1 when the job was awaited and failed, 2 when it was not taken or another one of the
        pipeline is active, 130 when the wait was interrupted, which leaves the job running.
    """
    from components.google_cloud import CloudError
    from pipeline.rehearsal.given import load_job, with_parameters
    from pipeline.vertex.jobs import Vertex
    from pipeline.vertex.names import check_job_id
    from pipeline.vertex.submit import Options, submit

    console = Console(soft_wrap=True)
    try:
        if arguments.summary and not arguments.wait:
            raise ValueError("--summary needs --wait, for it tells how the job ends.")
        settings = load_settings()
        options = Options(
            job_id=arguments.job_id and check_job_id(arguments.job_id),
            labels=_labels(arguments.label),
            caching=not arguments.no_cache,
        )
        job = load_job(arguments.spec) if arguments.spec else _own_job(settings)
        job = with_parameters(job, arguments.parameter)
        cloud = Vertex(settings)
        name = submit(cloud, settings, job, options)
    except (ValueError, CloudError) as error:
        return fail(str(error), 2)
    console.print(f"Submitted {name}", markup=False)
    console.print(cloud.link(name), markup=False)
    return follow(console, cloud, name, arguments.summary) if arguments.wait else 0


def _labels(texts: list[str]) -> dict[str, str]:
    for text in texts:
        if not _LABEL.fullmatch(text):
            raise ValueError(
                f"--label {text} is not of the form name=value, with only a-z, 0-9, - and _ in "
                "both and a letter first."
            )
    return dict(text.split("=") for text in texts)


def _own_job(settings: Settings) -> dict[str, Any]:
    require(settings)
    from pipeline.vertex.runner import compiled_job  # TFX, which takes long to import

    return compiled_job(settings)
