"""`python -m pipeline check --engine=vertex`, of emulated Google Cloud."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import PUBLISHING
from tests.emulators.child import ChildProcess
from tests.emulators.gcs import GcsEmulator
from tests.emulators.hub import HubEmulator
from tests.emulators.s3 import S3Server
from tests.emulators.vertex import VertexEmulator
from tests.pipeline.vertex.conftest import IMAGE
from tests.pipeline.vertex.verbs import Done, verb, verb_in


@pytest.fixture
def check(
    child: ChildProcess, vertex: VertexEmulator, gcs: GcsEmulator, bucket: str, few_pets: Path
) -> Callable[..., Done]:
    gcs.upload_tree(few_pets, f"{bucket}/data")
    settings = {
        "pipeline_root": f"{bucket}/pipeline",
        "data_root": f"{bucket}/data",
        "serving_dir": f"{bucket}/serving",
        "pipeline_image": IMAGE,
    }
    return lambda **changes: child(verb, "check", "--engine=vertex", **{**settings, **changes})


def test_what_is_sound_passes_and_nothing_is_left(
    check: Callable[..., Done], gcs: GcsEmulator, bucket: str
) -> None:
    before = gcs.list(bucket)
    done = check()
    assert (done.status, done.error) == (0, "")
    assert "job of 12 steps" in done.output
    assert "Vertex AI in demo-project, us-central1 answers" in done.output
    assert f"{bucket}/data has 2 train, 1 eval shards" in done.output
    assert "first records fit recipe scenes, and no others are read" in done.output
    assert gcs.list(bucket) == before


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("data_root", "gs://bucket-of-nobody/data", "Cloud Storage refuses: "),
        ("data_root", "gs://", "DATA_ROOT=gs:// is no place in Cloud Storage"),
        ("pipeline_root", "gs://bucket-of-nobody/root", "Cloud Storage refuses: "),
        ("pipeline_image", "gcr.io/demo/pipeline:latest", "PIPELINE_IMAGE='gcr.io/demo/pipeline:l"),
        ("google_cloud_project", "", "GOOGLE_CLOUD_PROJECT is not set"),
        ("google_cloud_region", "europe-west4", "location"),
        ("model", "unet_lite", "MODEL=unet_lite is unknown"),
    ],
)
def test_what_is_wrong_is_named(
    check: Callable[..., Done], name: str, value: str, message: str
) -> None:
    done = check(**{name: value})
    assert done.status == 2
    assert message in done.error
    assert "Traceback" not in done.error


def test_a_version_of_data_is_read_here_and_copied_by_the_job_s_submission_alone(
    child: ChildProcess,
    vertex: VertexEmulator,
    gcs: GcsEmulator,
    bucket: str,
    s3: S3Server,
    s3_bucket: str,
    few_pets: Path,
    tmp_path: Path,
) -> None:
    files = sorted(path for path in few_pets.iterdir() if not path.name.startswith("."))
    for path in files:
        s3.put(s3_bucket, f"data/{path.name}", path.read_bytes())
    settings = {
        **{name.lower(): value for name, value in s3.environment.items()},
        "data_version": f"s3://{s3_bucket}/data",
        "pipeline_root": f"{bucket}/pipeline",
        "serving_dir": f"{bucket}/serving",
        "pipeline_image": IMAGE,
    }
    done = child(verb_in, tmp_path, "check", "--engine=vertex", **settings)
    assert (done.status, gcs.list(bucket)) == (0, []), done.error
    [(version, count, size, target)] = re.findall(
        r"of DATA_VERSION=(\S+), (\d+) files, (\S+) MB, would be copied to (\S+);", done.output
    )
    assert version.startswith(f"s3://{s3_bucket}/.manifests/")
    assert int(count) == len(files)
    assert size == f"{sum(path.stat().st_size for path in files) / 1e6:.1f}"
    assert target.startswith(f"{bucket}/pipeline/versions/{s3_bucket}-")
    assert "all 32 records fit recipe scenes" in done.output
    gcs.upload_tree(few_pets, target)
    before = gcs.list(bucket)
    done = child(verb_in, tmp_path, "check", "--engine=vertex", **settings)
    assert f"DATA_VERSION={version} is in {target} already" in done.output, done.error
    assert gcs.list(bucket) == before
    for path in files:
        if path.name.startswith("val-"):
            s3.put(s3_bucket, f"data/{path.name}", b"no record, though long enough to look at")
    done = child(verb_in, tmp_path, "check", "--engine=vertex", **settings)
    assert done.status == 2 and "val-" in done.error, done.output


def test_a_folder_without_shards(check: Callable[..., Done], bucket: str) -> None:
    done = check(data_root=f"{bucket}/elsewhere")
    assert done.status == 2
    assert f"DATA_ROOT={bucket}/elsewhere has no train-*.tfrecord" in done.error


def test_a_recipe_that_calibrates_asks_for_its_split(check: Callable[..., Done]) -> None:
    done = check(recipe="cifar10")
    assert done.status == 2
    assert "has no calibration-*.tfrecord, on which recipe cifar10 calibrates" in done.error


def test_a_first_record_that_does_not_fit(
    check: Callable[..., Done], gcs: GcsEmulator, bucket: str
) -> None:
    for uri in gcs.list(f"{bucket}/data/train-"):
        name = uri.removeprefix(f"{bucket}/")
        blob = gcs.client.bucket(bucket.removeprefix("gs://")).blob(name)
        blob.upload_from_string(b"not a record at all, though long enough to look at")
    done = check()
    assert done.status == 2
    assert "train-" in done.error
    assert "Traceback" not in done.error


def test_a_secret_of_this_machine_is_none_of_the_steps(
    check: Callable[..., Done], tmp_path: Path
) -> None:
    with HubEmulator(tmp_path / "hub", users={"demo": PUBLISHING["HF_TOKEN"]}) as hub:
        done = check(**PUBLISHING, hf_endpoint=hub.endpoint)
    assert done.status == 2
    assert "HF_TOKEN_SECRET is HF_TOKEN, which the steps on Vertex AI do not have" in done.error
    assert PUBLISHING["HF_TOKEN"] not in done.error


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("PERMISSION_DENIED", "it needs roles/aiplatform.user"),
        ("UNAUTHENTICATED", "gcloud auth application-default login"),
        ("UNAVAILABLE", "try again later"),
    ],
)
def test_a_service_that_refuses(
    check: Callable[..., Done], vertex: VertexEmulator, code: str, message: str
) -> None:
    vertex.fault("ListPipelineJobs", code, times=100)
    done = check()
    assert done.status == 2
    assert message in done.error
