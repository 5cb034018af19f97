"""Jobs whose steps put out what they do of a model that is blessed or refused."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import tensorflow as tf

from benchmarks.bench_evaluator import evaluate
from pipeline.recipe import Recipe, SliceLimit
from tests.answering import ANSWER, NOTHING, TRUTH, example, recipe
from tests.emulators.submitting import pipeline_spec, task
from tests.pipeline.vertex.markdown_pages import HOSTILE

STEPS = ("Trainer", "Evaluator", "ModelValidator", "EdgeExporter", "Pusher", "HFPusher")
EDGE = "int8 2.4 MB, mean IoU 0.790 (float 0.800), 3.2 ms"
URLS = {
    "url": "https://huggingface.co/demo/pets/tree/v1",
    "space_url": "https://huggingface.co/spaces/demo/pets",
}
Outputs = dict[str, list[dict[str, Any]]]


@dataclass
class Steps:
    """Runs jobs whose steps end at once, as a test says.

    Attributes:
        outputs: what a step puts out.
        errors: of the steps that fail.
        cached: the steps that are answered by the cache.
        names: of the steps.
        hold: called before the last step ends, with the event that stops the job.
        released: nothing waits for it; see the fixture `vertex`.
    """

    outputs: dict[str, Outputs] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)
    cached: set[str] = field(default_factory=set)
    names: tuple[str, ...] = STEPS
    hold: Callable[[threading.Event], None] = lambda stop: None
    released: threading.Event = field(default_factory=threading.Event)

    def __call__(self, job: dict, on_change: Callable, stop: threading.Event) -> str | None:
        for name in self.names:
            on_change(name, "RUNNING")
            if name == self.names[-1]:
                self.hold(stop)
            if stop.is_set():
                return None
            if name in self.errors:
                on_change(name, "FAILED", self.errors[name])
                return f"The failed tasks are: [{name}]."
            state = "SKIPPED" if name in self.cached else "SUCCEEDED"
            on_change(name, state, "", self.outputs.get(name))
        return None


def spec(names: Sequence[str] = STEPS) -> dict:
    """A job of some steps."""
    return {
        **pipeline_spec(),
        "root": {"dag": {"tasks": {name: task(name) for name in names}}},
        "components": {name: {"executorLabel": "run"} for name in names},
    }


def outputs(folder: str, blessed: bool) -> dict[str, Outputs]:
    """What the steps put out; the evaluation is to be in the folder."""
    pushed = {"pushed_destination": f"{folder}/serving/1"} if blessed else {}
    published = URLS if blessed else {}
    number = float(blessed)
    return {
        "Evaluator": {
            "blessing": [put_out(f"{folder}/blessing", blessed=number)],
            "evaluation": [put_out(f"{folder}/evaluation")],
        },
        "ModelValidator": {
            "blessing": [put_out(f"{folder}/validated", blessed=1.0, reason="")],
        },
        "EdgeExporter": {
            "edge_model": [
                put_out(f"{folder}/edge", blessed=number, summary=EDGE if blessed else "")
            ]
        },
        "Pusher": {"pushed_model": [put_out(f"{folder}/pushed", pushed=number, **pushed)]},
        "HFPusher": {"pushed_model": [put_out(f"{folder}/hub", pushed=number, **published)]},
    }


def put_out(uri: str, **metadata: Any) -> dict[str, Any]:
    """An artifact, as the service tells of it."""
    name = "projects/0/locations/local/metadataStores/default/artifacts/1"
    return {"name": name, "uri": uri, "schemaTitle": "tfx.Any", "metadata": metadata}


def evaluate_both(root: Path, model: Callable[[str], Path]) -> None:
    """Has the Evaluator judge a model that it blesses, and one that it refuses.

    Args:
        root: folder for the folders `blessed` and `refused`.
        model: makes models that answer as examples say, see `answering_model`.
    """

    def judge(name: str, gated: Recipe, records: list[bytes], baseline: Path | None) -> None:
        split = root / "examples" / name / "Split-eval"
        split.mkdir(parents=True)
        with tf.io.TFRecordWriter(str(split / "data-00000-of-00001.gz"), "GZIP") as writer:
            for record in records:
                writer.write(record)
        evaluate(gated, split.parent, root / name, model("candidate"), baseline)
        assert (root / name / "blessing" / "BLESSED").exists() == (name == "blessed")

    good = example("cat", label=TRUTH, candidate=TRUTH, baseline=ANSWER)
    bad = example(HOSTILE, label=TRUTH, candidate=NOTHING)
    judge("blessed", recipe(mean=0.6), [good] * 2, model("baseline"))
    slice_limit = SliceLimit(limit=0.5, min_examples=1)
    judge("refused", recipe(border=0.9, slice_limit=slice_limit), [bad] * 3, None)
