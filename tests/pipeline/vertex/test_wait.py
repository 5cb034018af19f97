"""`python -m pipeline wait`: the verdict on jobs of an emulated Vertex AI."""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from google.cloud.aiplatform_v1 import types

from benchmarks.bench_evaluator import evaluate
from pipeline.recipe import Recipe, SliceFloor
from tests.answering import ANSWER, NOTHING, TRUTH, example, recipe
from tests.emulators.child import ChildProcess
from tests.emulators.gcs import GcsEmulator
from tests.emulators.submitting import pipeline_spec, task
from tests.emulators.vertex import VertexEmulator
from tests.pipeline.vertex.markdown_pages import HOSTILE, Shown, shown
from tests.pipeline.vertex.verbs import Done, job_file, verb

State = types.PipelineState
STEPS = ("Trainer", "Evaluator", "Pusher", "HFPusher")
HUB = "https://huggingface.co/demo/pets"
URLS = {"url": f"{HUB}/tree/v1", "space_url": "https://huggingface.co/spaces/demo/pets"}
Outputs = dict[str, list[dict[str, Any]]]


class Steps:
    """Runs jobs whose steps end at once, as a test says.

    Attributes:
        outputs: what a step puts out.
        errors: of the steps that fail.
        cached: the steps that are answered by the cache.
        hold: called before the last step ends.
    """

    def __init__(self) -> None:
        self.outputs: dict[str, Outputs] = {}
        self.errors: dict[str, str] = {}
        self.cached: set[str] = set()
        self.hold: Callable[[threading.Event], None] = lambda stop: None

    def __call__(self, job: dict, on_change: Callable, stop: threading.Event) -> str | None:
        for name in STEPS:
            on_change(name, "RUNNING")
            if name == STEPS[-1]:
                self.hold(stop)
            if stop.is_set():
                return None
            if name in self.errors:
                on_change(name, "FAILED", self.errors[name])
                return f"The failed tasks are: [{name}]."
            state = "SKIPPED" if name in self.cached else "SUCCEEDED"
            on_change(name, state, "", self.outputs.get(name))
        return None


@pytest.fixture
def steps() -> Steps:
    return Steps()


@pytest.fixture
def runner(steps: Steps) -> Steps:
    """What the emulator runs jobs by; see the fixture `vertex`."""
    steps.released = threading.Event()
    return steps


@pytest.fixture(scope="module")
def evaluations(
    answering_model: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """What the Evaluator wrote of a model that it blessed, and of one that it refused."""
    import tensorflow as tf

    def judge(name: str, gated: Recipe, records: list[bytes], baseline: Path | None) -> None:
        split = root / "examples" / name / "Split-eval"
        split.mkdir(parents=True)
        with tf.io.TFRecordWriter(str(split / "data-00000-of-00001.gz"), "GZIP") as writer:
            for record in records:
                writer.write(record)
        evaluate(gated, split.parent, root / name, answering_model("candidate"), baseline)
        assert (root / name / "blessing" / "BLESSED").exists() == (name == "blessed")

    root = tmp_path_factory.mktemp("evaluations")
    good = example("cat", label=TRUTH, candidate=TRUTH, baseline=ANSWER)
    bad = example(HOSTILE, label=TRUTH, candidate=NOTHING)
    judge("blessed", recipe(mean=0.6), [good] * 2, answering_model("baseline"))
    slice_floor = SliceFloor(min_mean_iou=0.5, min_examples=1)
    judge("refused", recipe(border=0.9, slice_floor=slice_floor), [bad] * 3, None)
    return root


@pytest.fixture
def judged(steps: Steps, gcs: GcsEmulator, bucket: str, evaluations: Path) -> Callable[[str], None]:
    """Has the steps put out what they do of a model that is blessed or refused."""

    def put_out(name: str) -> None:
        gcs.upload_tree(evaluations / name / "evaluation", f"{bucket}/run/evaluation")
        passed = float(name == "blessed")
        of_hub = URLS if passed else {}
        steps.outputs = {
            "Evaluator": {
                "blessing": [artifact(f"{bucket}/run/blessing", blessed=passed)],
                "evaluation": [artifact(f"{bucket}/run/evaluation")],
            },
            "Pusher": {
                "pushed_model": [
                    artifact(
                        f"{bucket}/run/pushed",
                        pushed=passed,
                        **({"pushed_destination": f"{bucket}/serving/1"} if passed else {}),
                    )
                ]
            },
            "HFPusher": {
                "pushed_model": [artifact(f"{bucket}/run/published", pushed=passed, **of_hub)]
            },
        }

    return put_out


def artifact(uri: str, **metadata: Any) -> dict[str, Any]:
    name = "projects/0/locations/local/metadataStores/default/artifacts/1"
    return {"name": name, "uri": uri, "schemaTitle": "tfx.Any", "metadata": metadata}


@pytest.fixture
def submit(child: ChildProcess, vertex: VertexEmulator, tmp_path: Path) -> Callable[..., Done]:
    """Submits the job `pets-1`."""
    spec = pipeline_spec()
    spec["root"] = {"dag": {"tasks": {name: task(name) for name in STEPS}}}
    spec["components"] = {name: {"executorLabel": "run"} for name in STEPS}
    file = job_file(tmp_path, spec)
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
    told = ["Blessed.", f"Pushed to {bucket}/serving/1", f"Published {URLS['url']}"]
    assert done.output.splitlines()[-4:] == [*told, f"Demo {URLS['space_url']}"]
    assert "Evaluator cached" in done.output
    assert summary.headings == ["Earlier", "Blessed"]
    assert summary.links == [URLS["url"], URLS["space_url"], CONSOLE]
    facts, figures, states = summary.tables
    assert facts[1] == ["Model", f"{bucket}/serving/1"]
    assert figures == [
        ["IoU of 2 images", "This model", "Last blessed model"],
        ["mean", "1.000", "0.633"],
        ["pet", "1.000", "0.800"],
        ["background", "1.000", "0.600"],
        ["border", "1.000", "0.500"],
    ]
    assert [row[:2] for row in states[1:]] == [
        ["Trainer", "cached"],
        ["Evaluator", "cached"],
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
    assert summary.tables[1][1] == ["mean", "0.100", "\N{EN DASH}"]


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
    assert summary.tables[1][1] == ["mean", "1.000", "0.633"]
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
    assert [row[1] for row in summary.tables[-1][1:]] == ["done"] * 4


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
    with pytest.raises(SystemExit, match="2"):
        child(verb, "wait", "pets-1", "--summary", "/nowhere/summary.md")
    assert vertex.requests == []
