"""Runs the pipeline on Vertex AI."""

import re
from typing import Annotated, Any

import typer

from components.flags import with_settings
from pipeline.configs import Settings
from pipeline.terminal import fail, print_json
from pipeline.verbs.following import Following, follow
from pipeline.verbs.options import AsJson, FailOnRefused, NoCache, Parameters, Spec, Summary
from pipeline.vertex.requirements import require

_LABEL = re.compile(r"[a-z][a-z0-9_-]{0,62}=[a-z0-9_-]{0,63}")


@with_settings(Settings)
def submit(
    settings: Settings,
    *,
    spec: Spec = None,
    parameters: Parameters = None,
    no_cache: NoCache = False,
    labels: Annotated[
        list[str] | None,
        typer.Option("--label", metavar="NAME=VALUE", help="Of the job; may be repeated."),
    ] = None,
    job_id: Annotated[
        str | None,
        typer.Option(metavar="ID", help="Of the job, by which a repeated submission finds it."),
    ] = None,
    wait: Annotated[
        bool, typer.Option("--wait", help="Show the steps until the job ends.")
    ] = False,
    summary: Summary = None,
    fail_on_refused: FailOnRefused = False,
    as_json: AsJson = False,
) -> int:
    """Submit the job.

    Returns:
        0; 1 when the job was awaited and failed, 2 when it was not taken or another one of the
        pipeline is active, 3 when its model was refused and that was to be told so, 130 when the
        wait was interrupted, which leaves the job running.
    """
    from components.google_cloud import CloudError
    from pipeline.rehearsal.given import load_job, with_parameters
    from pipeline.rehearsal.job import given_parameters
    from pipeline.vertex import submit as submission
    from pipeline.vertex.data_version import with_data_in_bucket
    from pipeline.vertex.jobs import Vertex
    from pipeline.vertex.names import check_job_id
    from pipeline.vertex.recorded import open_run, read_recorded

    how = Following(summary, fail_on_refused, as_json)
    try:
        for option, given in (("--summary", summary), ("--fail-on-refused", fail_on_refused)):
            if given and not wait:
                raise ValueError(f"{option} needs --wait, for it tells how the job ends.")
        options = submission.Options(
            job_id=job_id and check_job_id(job_id),
            labels=_labels(labels or []),
            caching=not no_cache,
        )
        _refuse_other_data(settings, parameters or [])
        settings = with_data_in_bucket(settings)
        job = load_job(spec) if spec else _own_job(settings)
        job = with_parameters(job, parameters or [])
        recorded = read_recorded(job["pipelineSpec"])
        cloud = Vertex(settings)
        name = submission.submit(cloud, settings, job, options)
    except (ValueError, CloudError) as error:
        return fail(str(error), 2)
    how.console.print(f"Submitted {name}", markup=False)
    how.console.print(cloud.link(name), markup=False)
    if recorded:
        opened = open_run(recorded, name.rpartition("/")[2], given_parameters(job))
        how.console.print(f"MLflow: {opened}", markup=False)
    if wait:
        return follow(cloud, name, how)
    if as_json:
        print_json({"job": name, "link": cloud.link(name)})
    return 0


def _labels(texts: list[str]) -> dict[str, str]:
    for text in texts:
        if not _LABEL.fullmatch(text):
            raise ValueError(
                f"--label {text} is not of the form name=value, with only a-z, 0-9, - and _ in "
                "both and a letter first."
            )
    return dict(text.split("=") for text in texts)


def _refuse_other_data(settings: Settings, parameters: list[str]) -> None:
    """Refuse a version of data that the model has not seen."""
    if settings.data_version and any(one.startswith("data_root=") for one in parameters):
        raise ValueError(
            "--parameter data_root and DATA_VERSION both say what to train on; leave one of them "
            "out."
        )


def _own_job(settings: Settings) -> dict[str, Any]:
    require(settings)
    from pipeline.vertex.runner import compiled_job  # TFX, which takes long to import

    return compiled_job(settings)
