"""Jobs that TFX compiles from other people's pipelines."""

from pathlib import Path

import pytest

from pipeline.rehearsal import State, rehearse
from tests.pipeline.rehearsal.greeting import compiled_job
from tests.warm.commands import python


def test_a_step_that_is_a_python_function(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.executable", python())
    image = "gcr.io/demo/image@sha256:" + "0" * 64
    outcome = rehearse(compiled_job("world", image), tmp_path)
    assert outcome.state is State.SUCCEEDED, outcome.tasks["Greet"].error
    [greeting] = (tmp_path / "gcs/demo-bucket/root").rglob("greeting")
    assert greeting.read_text() == "Hello, world!"
    again = rehearse(compiled_job("world", image), tmp_path)
    assert again.tasks["Greet"].state is State.SKIPPED
