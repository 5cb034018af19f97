"""train.yml from the checkout to the verdict, on this machine."""

import html
import json

import pytest

from tests.github.cloud import BUCKET, HUB_TOKEN
from tests.github.runs import Left

pytestmark = pytest.mark.slow


def test_a_refused_model_ends_green(left: Left) -> None:
    played = left.refused
    logs = {step.name: step.log for step in played.steps.values()}
    assert played.conclusion == "success", logs
    ran = [step.name for step in played.steps.values() if step.outcome != "skipped"]
    assert ran == [
        "Check the repository out",
        "Name what is missing",
        "Install what the lock names",
        "Log in to Google Cloud",
        "Check settings, data, secrets and services",
        "Build the image",
        "Submit",
        "Wait for the verdict",
    ]
    assert "## Refused, nothing published" in played.summary
    assert "<code>mean IoU 0&#46;" in played.summary


def test_broken_data_end_red_with_the_reason(left: Left) -> None:
    assert left.broken.conclusion == "failure"
    outcomes = {step.name: step.outcome for step in left.broken.steps.values()}
    assert outcomes["Wait for the verdict"] == "failure", left.broken
    assert "## Failed" in left.broken.summary
    assert "<code>ImportExampleGen</code> failed:" in left.broken.summary
    reason = f"{BUCKET}/broken/train-00000-of-00002.tfrecord is truncated: it ends within record"
    assert reason in html.unescape(left.broken.summary)


def test_broken_data_do_not_keep_later_data_waiting(left: Left) -> None:
    bucket = left.folder / "buckets" / BUCKET.removeprefix("gs://")
    record = json.loads((bucket / "pipeline" / "announcements.json").read_text())
    [one] = record["announcements"]
    assert (one["data_root"], one["state"]) == (f"{BUCKET}/broken", "failed")


def test_the_image_that_is_there_is_taken(left: Left) -> None:
    for played in (left.refused, left.broken):
        step = played.steps["Build the image"]
        assert step.outputs["image"] == left.image and "is there." in step.log


def test_nothing_is_published_and_no_secret_is_left(left: Left) -> None:
    assert not (left.folder / "hub" / "models").exists()
    for path in left.folder.rglob("*"):
        if path.is_file() and "workspace/.venv" not in str(path):
            assert HUB_TOKEN.encode() not in path.read_bytes(), path
