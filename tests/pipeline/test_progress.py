"""What is told of a run while it goes on."""

import io
import logging
from datetime import timedelta

import pytest
from rich.console import Console
from tfx.proto.orchestration import pipeline_pb2

from pipeline import progress
from pipeline.progress import Progress

NODES = ("Gen", "Trainer", "Evaluator", "Pusher")


@pytest.fixture
def pipeline() -> pipeline_pb2.Pipeline:
    """Four steps, of which a partial run leaves the first one out."""
    graph = pipeline_pb2.Pipeline()
    for name in NODES:
        graph.nodes.add().pipeline_node.node_info.id = name
    graph.nodes[0].pipeline_node.execution_options.skip.SetInParent()
    return graph


def say(told: Progress, *messages: str) -> None:
    for message in messages:
        told.emit(logging.makeLogRecord({"msg": message}))


def run(step: str) -> tuple[str, str]:
    return f"Component {step} is running.", f"Component {step} is finished."


def test_a_line_tells_step_time_and_what_is_left(pipeline: pipeline_pb2.Pipeline) -> None:
    shown = io.StringIO()
    with Progress(Console(file=shown, width=20), pipeline) as told:
        told.earlier = {"Trainer": timedelta(minutes=9), "Evaluator": timedelta(minutes=2)}
        begins, ends = run("Trainer")
        say(told, "Component Gen is to be skipped.", begins, "A cached execution 7 is used.", ends)
        told.earlier["Pusher"] = timedelta(seconds=5)
        begins, ends = run("Evaluator")
        say(told, begins)
        assert told.current == "Evaluator"
        say(told, ends, *run("Pusher"))
    lines = shown.getvalue().splitlines()
    assert lines[:2] == ["step 1 of 3 · Trainer", "step 1 of 3 · Trainer · reused"]
    assert lines[2].startswith("step 2 of 3 · Evaluator · about 2 min ")
    assert lines[2].endswith(" s left")
    assert lines[3].startswith("step 2 of 3 · Evaluator · done in ")
    assert lines[4] == "step 3 of 3 · Pusher · less than 1 min left"


def test_a_long_step_is_told_again(
    pipeline: pipeline_pb2.Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "_MINUTE", timedelta(milliseconds=1))
    shown = io.StringIO()
    with Progress(Console(file=shown), pipeline) as told:
        say(told, run("Trainer")[0])
        while shown.getvalue().count("step 1 of 3 · Trainer") < 3:
            pass  # the suite's time limit ends a failure


def test_a_terminal_has_one_live_line(pipeline: pipeline_pb2.Pipeline) -> None:
    shown = io.StringIO()
    with Progress(Console(file=shown, force_terminal=True, width=90), pipeline) as told:
        begins, ends = run("Trainer")
        say(told, begins)
        print("Epoch 1/2")
        say(told, ends)
    text = shown.getvalue()
    assert "Epoch 1/2" in text and "done in" in text
    assert text.endswith("\x1b[2K")  # the live line is gone
