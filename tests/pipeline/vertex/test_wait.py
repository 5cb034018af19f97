"""`python -m pipeline wait`: the verdict on jobs of an emulated Vertex AI."""

import json
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from google.cloud.aiplatform_v1 import types

from tests.emulators.child import ChildProcess
from tests.emulators.gcs import GcsEmulator
from tests.emulators.vertex import VertexEmulator
from tests.pipeline.vertex.judged_steps import EDGE, URLS, Steps, outputs, put_out, spec
from tests.pipeline.vertex.markdown_pages import HOSTILE, Shown, shown
from tests.pipeline.vertex.verbs import Done, job_file, verb

State = types.PipelineState


@pytest.fixture
def steps() -> Steps:
    return Steps()


@pytest.fixture
def runner(steps: Steps) -> Steps:
    """What the emulator runs jobs by; see the fixture `vertex`."""
    return steps


@pytest.fixture
def judged(steps: Steps, gcs: GcsEmulator, bucket: str, evaluations: Path) -> Callable[[str], None]:
    """Has the steps put out what they do of a model that is blessed or refused."""

    def put_out(name: str) -> None:
        gcs.upload_tree(evaluations / name / "evaluation", f"{bucket}/run/evaluation")
        steps.outputs = outputs(f"{bucket}/run", name == "blessed")

    return put_out


@pytest.fixture
def submit(child: ChildProcess, vertex: VertexEmulator, tmp_path: Path) -> Callable[..., Done]:
    """Submits the job `pets-1`."""
    file = job_file(tmp_path, spec())
    return lambda *more: child(verb, "submit", "--spec", file, "--job-id", "pets-1", *more)


@pytest.fixture
def wait(
    submit: Callable[..., Done], child: ChildProcess, tmp_path: Path
) -> Callable[..., tuple[Done, Shown]]:
    """Submits, waits, and reads the summary."""

    def waited(job: str = "pets-1", **settings: object) -> tuple[Done, Shown]:
        assert submit().status == 0
        summary = tmp_path / "summary.md"
        summary.write_text("# Earlier\n")
        done = child(verb, "wait", job, "--summary", summary, **settings)
        assert summary.read_text().startswith("# Earlier\n")
        return done, shown(summary.read_text())

    return waited


CONSOLE = (
    "https://console.cloud.google.com/vertex-ai/locations/us-central1/pipelines/runs/pets-1"
    "?project=demo-project"
)


def test_blessed_and_published(
    wait: Callable[..., tuple[Done, Shown]],
    judged: Callable[[str], None],
    steps: Steps,
    vertex: VertexEmulator,
    bucket: str,
) -> None:
    judged("blessed")
    steps.cached = {"Trainer", "Evaluator"}
    done, summary = wait("projects/demo-project/locations/us-central1/pipelineJobs/pets-1")
    assert (done.status, done.error) == (0, "")
    told = ["Blessed.", f"Pushed to {bucket}/run/serving/1", f"Published {URLS['url']}"]
    assert done.output.splitlines()[-4:] == [*told, f"Demo {URLS['space_url']}"]
    assert "Evaluator cached" in done.output
    assert summary.headings == ["Earlier", "Blessed"]
    assert summary.links == [URLS["url"], URLS["space_url"], CONSOLE]
    facts, figures, states = summary.tables
    assert facts[1] == ["Model", f"{bucket}/run/serving/1"]
    assert facts[2] == ["Edge model", EDGE]
    assert figures == [
        ["Of 2 images", "This model", "Last blessed model"],
        ["Mean IoU", "1.000", "0.633"],
        ["IoU, pet", "1.000", "0.800"],
        ["IoU, background", "1.000", "0.600"],
        ["IoU, border", "1.000", "0.500"],
    ]
    assert [row[:2] for row in states[1:]] == [
        ["Trainer", "cached"],
        ["Evaluator", "cached"],
        ["ModelValidator", "done"],
        ["EdgeExporter", "done"],
        ["Pusher", "done"],
        ["HFPusher", "done"],
    ]


def test_refused(wait: Callable[..., tuple[Done, Shown]], judged: Callable[[str], None]) -> None:
    judged("refused")
    done, summary = wait()
    assert (done.status, done.error) == (0, "")
    assert "\nRefused, nothing published.\n  border IoU 0.000 is below 0.900\n" in done.output
    assert "Pushed" not in done.output
    assert summary.headings == ["Earlier", "Refused, nothing published"]
    assert summary.links == [CONSOLE]
    assert summary.items[0] == "border IoU 0.000 is below 0.900"
    [species] = [item for item in summary.items if item.startswith("species")]
    words = " ".join(HOSTILE.split())
    assert species == f"species {words}: mean IoU 0.100 is below 0.500 (3 images)"
    assert summary.tables[1][1] == ["Mean IoU", "0.100", "\N{EN DASH}"]


def test_programs_are_told_that_it_was_refused(
    submit: Callable[..., Done],
    child: ChildProcess,
    judged: Callable[[str], None],
) -> None:
    judged("refused")
    waiting = submit("--wait", "--json", "--fail-on-refused")
    again = child(verb, "wait", "pets-1", "--json", "--fail-on-refused")
    assert waiting.status == again.status == 3
    told = json.loads(waiting.output)
    assert told == json.loads(again.output)
    assert told["job"].endswith("/pipelineJobs/pets-1")
    assert (told["state"], told["blessed"], told["model"]) == ("SUCCEEDED", False, "")
    assert told["refusals"][0] == "border IoU 0.000 is below 0.900"
    assert told["metrics"]["mean_iou"] == pytest.approx(0.1)
    assert told["steps"]["Evaluator"] == "SUCCEEDED"
    assert "Refused, nothing published.\n" in again.error


def test_refused_because_it_cannot_be_served(
    wait: Callable[..., tuple[Done, Shown]],
    judged: Callable[[str], None],
    steps: Steps,
    bucket: str,
) -> None:
    judged("blessed")
    reason = "The model has no signature `network`; export it."
    steps.outputs |= {
        "ModelValidator": {
            "blessing": [put_out(f"{bucket}/run/validated", blessed=0.0, reason=reason)]
        },
        **{
            name: {"pushed_model": [put_out(f"{bucket}/run/{name}", pushed=0.0)]}
            for name in ("Pusher", "HFPusher")
        },
    }
    done, summary = wait()
    assert (done.status, done.error) == (0, "")
    assert done.output.endswith(f"\nRefused, nothing published.\n  {reason}\n")
    assert summary.headings == ["Earlier", "Refused, nothing published"]
    assert summary.items == [reason]


def test_failed_after_it_was_blessed(
    wait: Callable[..., tuple[Done, Shown]], judged: Callable[[str], None], steps: Steps
) -> None:
    judged("blessed")
    steps.errors = {"HFPusher": f"The Hub is away\n{HOSTILE}\n::error::line"}
    done, summary = wait()
    assert done.status == 1
    assert "HFPusher failed: The Hub is away" in done.output
    assert "\nFailed.\nPushed to gs://" in done.output
    assert summary.headings == ["Earlier", "Failed"]
    [block] = summary.blocks
    assert block.splitlines() == ["The Hub is away", *HOSTILE.splitlines(), "::error::line"]
    assert summary.tables[1][1] == ["Mean IoU", "1.000", "0.633"]
    assert summary.tables[-1][-1][:2] == ["HFPusher", "failed"]


def test_cancelled_by_another(
    wait: Callable[..., tuple[Done, Shown]], steps: Steps, vertex: VertexEmulator
) -> None:
    def cancel(stop: threading.Event) -> None:
        vertex.running.stop(vertex.job("pets-1").name)

    steps.hold = cancel
    done, summary = wait()
    assert done.status == 1
    assert done.output.endswith("Cancelled.\n")
    assert summary.headings == ["Earlier", "Cancelled"]
    assert summary.tables[-1][-1][:2] == ["HFPusher", "cancelled"]


def test_credentials_that_end_while_waiting(
    wait: Callable[..., tuple[Done, Shown]], steps: Steps, vertex: VertexEmulator
) -> None:
    def expire(stop: threading.Event) -> None:
        # One of submit's, and two of wait's: whether there is the job, and how it goes.
        while [request.method for request in vertex.requests].count("GetPipelineJob") < 3:
            assert not stop.wait(0.02)
        vertex.fault("GetPipelineJob", "UNAUTHENTICATED", times=100)
        stop.wait()

    steps.hold = expire
    done, summary = wait()
    assert done.status == 1
    assert "does not accept the credentials" in done.error
    assert "The job goes on" in done.error
    assert CONSOLE in done.error
    assert summary.headings == ["Earlier", "No longer followed"]
    assert "The job goes on" in summary.text
    assert summary.links == [CONSOLE]
    assert vertex.job("pets-1").state == State.PIPELINE_STATE_RUNNING


def test_a_busy_service_is_asked_again_and_again(
    submit: Callable[..., Done], steps: Steps, vertex: VertexEmulator, tmp_path: Path
) -> None:
    """Also by `submit --wait`, whose end is that of `wait`."""

    def fail(stop: threading.Event) -> None:
        vertex.fault("GetPipelineJob", "UNAVAILABLE", times=3)
        while [request.status for request in vertex.requests].count("UNAVAILABLE") < 3:
            assert not stop.wait(0.02)

    steps.hold = fail
    done = submit("--wait", "--summary", tmp_path / "summary.md")
    assert done.status == 0
    assert done.output.endswith("Done.\n")
    summary = shown((tmp_path / "summary.md").read_text())
    assert summary.headings == ["Done"]
    assert [row[1] for row in summary.tables[-1][1:]] == ["done"] * 6


@pytest.mark.parametrize("lost", ["all", "metrics"])
def test_an_evaluation_that_cannot_be_read(
    wait: Callable[..., tuple[Done, Shown]],
    judged: Callable[[str], None],
    gcs: GcsEmulator,
    bucket: str,
    lost: str,
) -> None:
    judged("refused")
    for uri in gcs.list(f"{bucket}/run/evaluation"):
        if lost == "all" or "metrics-" in uri:
            gcs.client.bucket(bucket[5:]).blob(uri.removeprefix(f"{bucket}/")).delete()
    done, summary = wait()
    assert done.status == 0
    assert "\nRefused, nothing published.\nWarning: The figures of the evaluation" in done.output
    assert f"{bucket}/run/evaluation is no whole evaluation" in summary.text
    assert len(summary.tables) == 2


@pytest.mark.parametrize(
    ("job", "settings", "message"),
    [
        ("pets-2", {}, "has no job pets-2"),
        ("Pets", {}, "'Pets' cannot be the id of a job"),
        ("projects/demo/pipelineJobs/pets-1", {}, "cannot be the id of a job"),
        ("pets-1", {"google_cloud_project": ""}, "GOOGLE_CLOUD_PROJECT is not set"),
    ],
)
def test_a_mistake(
    wait: Callable[..., tuple[Done, Shown]], job: str, settings: dict[str, str], message: str
) -> None:
    done, summary = wait(job, **settings)
    assert (done.status, done.output) == (2, "")
    assert message in done.error
    assert summary.headings == ["Earlier"]


def test_a_summary_on_a_full_disk(submit: Callable[..., Done]) -> None:
    done = submit("--wait", "--summary", "/dev/full")
    assert done.status == 0
    assert done.output.endswith("Done.\n")
    assert done.error == "The summary /dev/full cannot be written to: No space left on device.\n"


def test_a_summary_that_cannot_be_written(child: ChildProcess, vertex: VertexEmulator) -> None:
    done = child(verb, "wait", "pets-1", "--summary", "/nowhere/summary.md")
    assert done.status == 2 and "/nowhere/summary.md cannot be written to" in done.error
    assert vertex.requests == []
