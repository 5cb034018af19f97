"""Runs of jobs for Vertex AI: each of their steps alone; tests/test_vertex.py has whole jobs."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pipeline.__main__ import main
from pipeline.configs import Settings, load_settings
from tests.pipeline.rehearsal.jobs import job, step
from tests.pipeline.vertex.conftest import VERTEX
from tests.tracking.faulty_proxy import FaultyProxy
from tests.warm.commands import python
from tracking.step import training_journal

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

OUTPUT = "gs://demo-bucket/pipeline/123/{job}/Trainer_-9182736/model_run"


@pytest.fixture
def settings(proxy: FaultyProxy, experiment: str) -> Settings:
    uri = {"mlflow_tracking_uri": proxy.address, "mlflow_experiment_name": experiment}
    return load_settings(env_file="none", recipe="tests/recipes/smoke.toml", **VERTEX, **uri)


@pytest.fixture
def found(client: "MlflowClient", experiment: str) -> Callable[[], list["Run"]]:
    """Asks for the runs of the test's experiment."""

    def ask() -> list["Run"]:
        there = client.get_experiment_by_name(experiment)
        return list(client.search_runs([there.experiment_id])) if there else []

    return ask


def recorded_job(settings: Settings, script: str = "") -> dict[str, Any]:
    """A job of one step, and of what records it."""
    from pipeline.vertex.recorded import add_recorder

    made = job({"Trainer": step(script)})
    add_recorder(made, settings, {})
    return made


def test_a_training_adds_its_epochs_from_a_machine_of_its_own(
    settings: Settings, found: Callable[[], list["Run"]], monkeypatch: pytest.MonkeyPatch
) -> None:
    from pipeline.vertex.recorded import environment

    for variable in environment(settings):
        monkeypatch.setenv(variable["name"], variable["value"])
    with training_journal("/somewhere/else/model_run/7") as none:
        assert none is None
    with training_journal(OUTPUT.format(job="pets-1")) as journal:
        assert journal
        journal.metrics({"loss": 0.5}, step=0)
        journal.metrics({"loss": 0.25}, step=1)
    [run] = found()
    assert (run.data.tags["tfx_run_id"], run.data.metrics["loss"]) == ("pets-1", 0.25)
    assert run.info.status == "RUNNING"
    assert not journal.folder.exists()


def test_a_rehearsal_whose_step_fails_is_a_run_that_failed(
    settings: Settings,
    found: Callable[[], list["Run"]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    spec = tmp_path / "job.json"
    spec.write_text(json.dumps(recorded_job(settings, "raise SystemExit('no memory')")))
    verb = ["pipeline", "rehearse", "--spec", str(spec), "--store", str(tmp_path)]
    monkeypatch.setattr(sys, "argv", verb)
    monkeypatch.setattr(sys, "executable", str(python()))  # of the steps
    assert main() == 1
    [run] = found()
    assert run.info.status == "FAILED"
    told = run.data.tags
    assert (told["engine"], told["recipe"], told["task"]) == ("rehearsal", "smoke", "segmentation")
    assert "blessed" not in told and run.data.params["epochs"] == "1"
    assert "duration.Trainer" in run.data.metrics


def test_what_a_cancelled_job_leaves_waits_for_a_server_that_is_down(
    settings: Settings,
    found: Callable[[], list["Run"]],
    proxy: FaultyProxy,
    tmp_path: Path,
) -> None:
    import datetime

    from google.cloud import aiplatform_v1 as vertex

    from pipeline.jobs.states import Outcome, State, TaskState
    from pipeline.vertex.journals import brought
    from pipeline.vertex.recorded import open_run, read_recorded, record_cancelled
    from tracking.delivery import deliver
    from tracking.journal import waiting_journals
    from tracking.server import Server

    spec = recorded_job(settings)["pipelineSpec"]
    recorded = read_recorded(spec)
    assert recorded and proxy.address in open_run(recorded, "pets-2", {})
    proxy.turn("refuse")
    assert open_run(recorded, "pets-3", {}).startswith("not opened yet, the job's last step")
    message = vertex.PipelineJob(
        pipeline_spec=spec, runtime_config={"gcs_output_directory": str(tmp_path)}
    )
    began = datetime.datetime.now(datetime.UTC)
    trainer = TaskState("Trainer", state=State.CANCELLED, begin=began)
    outcome = Outcome(
        "projects/1/locations/l/pipelineJobs/pets-2", State.CANCELLED, {"T": trainer}, ()
    )
    told = record_cancelled(message, outcome)
    assert "cannot be reached" in told and "visionpipe track --replay" in told
    [run] = found()
    assert run.info.status == "RUNNING"
    proxy.turn("pass")
    with brought(str(tmp_path)) as folder:
        [journal] = waiting_journals(folder)
        assert deliver(journal, Server(recorded.config))
    [run] = found()
    assert (run.info.status, run.data.tags["engine"]) == ("KILLED", "vertex")
    with brought(str(tmp_path)) as folder:
        assert waiting_journals(folder) == []


def test_a_job_without_a_recorder_is_left_alone() -> None:
    from google.cloud import aiplatform_v1 as vertex

    from pipeline.jobs.states import Outcome, State
    from pipeline.vertex.recorded import record_cancelled

    message = vertex.PipelineJob(pipeline_spec=job({"Trainer": step()})["pipelineSpec"])
    assert record_cancelled(message, Outcome("pets-4", State.CANCELLED, {}, ())) == ""
