"""What a run on Vertex AI would meet, asked before it costs anything."""

import fnmatch
import json
import pydoc
import uuid
from pathlib import Path
from typing import Any

from google.cloud import storage
from google.protobuf import json_format
from kfp.pipeline_spec import pipeline_spec_pb2

from components.google_cloud import CloudError, explained, lend_login_to_tensorflow, retrying
from components.secrets import read_variable
from pipeline.checks import local
from pipeline.checks.dataset import check_dataset, need_calibration
from pipeline.checks.records import check_records
from pipeline.configs import Settings
from pipeline.recipe import Recipe
from pipeline.vertex.data_version import bring_shards, missing
from pipeline.vertex.jobs import Vertex
from pipeline.vertex.runner import compiled_job
from tfrecords.dataset import CALIBRATION_PATTERN
from tfrecords.errors import DataError

# CreatePipelineJob travels in one gRPC message.
LARGEST_SPEC = 4_000_000  # bytes


def check_vertex(settings: Settings) -> list[str]:
    """Check settings, the compiled job, credentials, the service, buckets, data and secrets.

    A version of data is resolved and brought to this machine, where its records are read; nothing
    of it is copied to a bucket.

    Args:
        settings: what the run would be made with.

    Returns:
        What was checked and found good, a line each.

    Raises:
        CheckError: with every problem found, each with its cure.
        ValueError: DATA_VERSION cannot be had.
    """
    shards = None
    if settings.data_version:
        settings, shards = bring_shards(settings)
    recipe = settings.load_recipe()
    checks = [
        lambda: local.model(recipe),
        lambda: _job(settings),
        lambda: _secrets(settings),
        lambda: local.hub(settings),
        lambda: _in_the_cloud(settings, recipe, shards),
    ]
    return local.passed(checks)


def _job(settings: Settings) -> str:
    job = compiled_job(settings)
    spec = json_format.ParseDict(job["pipelineSpec"], pipeline_spec_pb2.PipelineSpec())
    size = len(json.dumps(job))
    if size > LARGEST_SPEC:
        raise ValueError(
            f"The compiled job has {size} bytes, and the service takes {LARGEST_SPEC}; shorten the "
            "recipe."
        )
    _check_functions(job)
    return f"job of {len(spec.root.dag.tasks)} steps, {size / 1000:.0f} kB"


def _check_functions(job: dict[str, Any]) -> None:
    """Functions that steps look for in the image, which holds this repository.

    Raises:
        ValueError: one is not there.
    """
    for name, task in job["pipelineSpec"]["root"]["dag"]["tasks"].items():
        for parameter, source in task.get("inputs", {}).get("parameters", {}).items():
            value = source.get("runtimeValue", {}).get("constantValue", {}).get("stringValue", "")
            if parameter.endswith("_fn") and value and not callable(pydoc.locate(value)):
                raise ValueError(f"{name} looks for {value}, which is no function here.")


def _secrets(settings: Settings) -> str:
    """Refuse a variable of this machine's environment: the steps run on others."""
    references = {}
    if settings.lakefs_repository:
        references["LAKEFS_ACCESS_KEY_SECRET"] = settings.lakefs_access_key_secret
        references["LAKEFS_SECRET_KEY_SECRET"] = settings.lakefs_secret_key_secret
    if settings.mlflow_tracking_uri:  # which may ask for none
        for name in ("mlflow_username_secret", "mlflow_password_secret", "mlflow_token_secret"):
            reference = getattr(settings, name)
            if "/" in reference or read_variable(reference):
                references[name.upper()] = reference
    if settings.hf_repo_id:
        references["HF_TOKEN_SECRET"] = settings.hf_token_secret
        for name, reference in settings.hf_space_secrets.items():
            references[f"{name} of HF_SPACE_SECRETS"] = reference
    if not references:
        return "no secret is needed"
    for name, reference in references.items():
        if not reference.startswith("projects/"):
            raise ValueError(
                f"{name} is {reference}, which the steps on Vertex AI do not have; put the value "
                "into Secret Manager and set projects/PROJECT/secrets/SECRET."
            )
    return f"secrets {', '.join(references.values())}"


def _in_the_cloud(settings: Settings, recipe: Recipe, shards: Path | None) -> str:
    """Each part needs the one before it: nothing is said twice."""
    read = settings
    if shards:  # what is found good of them is kept beside them
        here = {"data_root": str(shards), "pipeline_root": str(shards.parent)}
        read = settings.model_copy(update=here)
    try:
        reached = Vertex(settings).reach()
        with explained("Cloud Storage", "roles/storage.objectUser on the bucket"):
            client = storage.Client(project=settings.google_cloud_project)
            if shards:
                place = f"{local.data(read, recipe)}; {_to_copy(client, settings, shards)}"
            else:
                place = _counted(client, settings.data_root, recipe)
            for folder in (settings.pipeline_root, settings.serving_dir):
                retrying()(_write, client, folder)
            lend_login_to_tensorflow()
    except CloudError as error:
        raise ValueError(str(error)) from error
    fits = check_dataset(read, recipe)
    records = check_records(read, recipe)
    return f"{reached}; {place}; {fits}; {records}; the buckets can be written"


def _to_copy(client: storage.Client, settings: Settings, shards: Path) -> str:
    """Return what `submit` would copy of a version, and where to."""
    what, where = f"DATA_VERSION={settings.data_version}", settings.data_root
    files = missing(client, shards, where)
    if not files:
        return f"{what} is in {where} already"
    size = sum(file.stat().st_size for file in files) / 1e6
    return f"of {what}, {len(files)} files, {size:.1f} MB, would be copied to {where}"


def _counted(client: storage.Client, root: str, recipe: Recipe) -> str:
    counts = {
        split: _count(client, root, pattern, recipe)
        for split, pattern in recipe.split_patterns.items()
    }
    return f"{root} has {', '.join(f'{count} {split}' for split, count in counts.items())} shards"


def _count(client: storage.Client, folder: str, pattern: str, recipe: Recipe) -> int:
    """Tell how many shards of a split there are.

    Raises:
        DataError: none.
    """
    place = storage.Blob.from_string(f"{folder.rstrip('/')}/{pattern}", client=client)
    fixed = place.name.partition("*")[0]
    blobs = retrying()(lambda: list(client.list_blobs(place.bucket, prefix=fixed)))
    count = sum(fnmatch.fnmatch(blob.name, place.name) for blob in blobs)
    if not count and pattern in CALIBRATION_PATTERN.values():
        raise need_calibration(folder, recipe)
    if not count:
        raise DataError(
            f"DATA_ROOT={folder} has no {pattern}; copy the shards there, or name their folder."
        )
    return count


def _write(client: storage.Client, folder: str) -> None:
    name = f"{folder.rstrip('/')}/.check-{uuid.uuid4().hex}"
    blob = storage.Blob.from_string(name, client=client)
    blob.upload_from_string(b"")
    blob.delete()
