"""Runs of the pipeline in MLflow: finished, reused, refused, failed, killed and gone on with."""

import signal
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pipeline.configs import load_settings
from pipeline.recipe import Recipe
from pipeline.runs import history
from tests.conftest import Walk, Workplace
from tests.pipeline.test_local import start, wait_for
from tests.services.mlflow_server import MLflow
from tests.small_runs import REFUSED, SMOKE
from tests.test_local_runner import row
from tests.tracking.faulty_proxy import FaultyProxy
from tests.tracking.test_delivery import points, recorded
from tracking import names

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

SECRET = "geheim-value-of-the-password"


def tracked(proxy: FaultyProxy, experiment: str) -> dict[str, str]:
    """Settings of a run that is recorded by a user with a password."""
    return {
        "MLFLOW_TRACKING_URI": f"http://someone:{SECRET}@127.0.0.1:{proxy.port}",
        "MLFLOW_EXPERIMENT_NAME": experiment,
    }


def replayed(workplace: Workplace, **settings: object) -> str:
    """What waits is sent: on a busy machine that may take longer than a run waits at its end."""
    done = workplace.run("visionpipe track --replay", **settings)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def last_run(workplace: Workplace) -> history.Run:
    return history.load_run(workplace.pipeline_root / "metadata.sqlite")


def find(client: "MlflowClient", experiment: str, run_id: str) -> "Run":
    [run] = [run for run in recorded(client, experiment) if run.data.tags[names.RUN_ID] == run_id]
    return run


def epochs(run: history.Run) -> dict[str, list[tuple[int, float]]]:
    figures = run.training_figures()["history"]
    return {name: list(enumerate(values)) for name, values in figures.items()}


def check_epochs(client: "MlflowClient", recorded: "Run", run: history.Run) -> None:
    """To the last digit, none missing and none twice."""
    for name, values in epochs(run).items():
        assert points(client, recorded, name) == values, name


def hidden_everywhere(*folders: Path) -> None:
    for folder in folders:
        for path in folder.rglob("*"):
            assert not path.is_file() or SECRET.encode() not in path.read_bytes(), path


@pytest.mark.slow
def test_a_run_and_one_that_reuses_it(
    begun: Workplace,
    few_pets: Path,
    mlflow: MLflow,
    proxy: FaultyProxy,
    client: "MlflowClient",
    experiment: str,
    tmp_path: Path,
) -> None:
    settings = {**SMOKE, **tracked(proxy, experiment), "EPOCHS": 3, "DATA_ROOT": few_pets}
    printed = ""
    for _ in range(2):
        done = begun.run("python local_runner.py", **settings)
        assert done.returncode == 0, done.stdout + done.stderr
        assert row(done.stdout, "MLflow")
        printed += done.stdout + done.stderr
    printed += replayed(begun, **settings)
    assert replayed(begun, **settings).startswith("No run of PIPELINE_ROOT=")

    again = last_run(begun)
    run = history.load_run(begun.pipeline_root / "metadata.sqlite", again.trained_by)
    first = find(client, experiment, run.run_id)
    second = find(client, experiment, again.run_id)
    assert len(recorded(client, experiment)) == 2
    for one, of in ((first, run), (second, again)):
        assert one.info.status == "FINISHED"
        assert one.data.tags[names.TRAINED_BY] == run.run_id
        assert one.data.tags[names.BLESSED] == "true"
        assert one.data.tags[names.MODEL_URI] == of.pushed_model or of.model_path
        check_epochs(client, one, of)
        for name, value in of.metrics().items():
            assert one.data.metrics[names.EVALUATION + name] == pytest.approx(value, nan_ok=True)
        artifacts = {file.path for file in client.list_artifacts(one.info.run_id)}
        assert {names.RECIPE_FILE, names.REPORT_FILE, "figures"} <= artifacts
        [used] = one.inputs.dataset_inputs
        assert one.data.tags[names.DATA_DIGEST].startswith(used.dataset.digest)
        assert len(used.dataset.digest) == 36
    assert first.data.tags[names.MODEL_DIGEST] == second.data.tags[names.MODEL_DIGEST]
    assert first.data.params["epochs"] == "3"
    assert first.data.metrics["duration.Trainer"] > second.data.metrics["duration.Trainer"]
    assert "system/cpu_utilization_percentage" in first.data.metrics

    folder = Path(client.download_artifacts(first.info.run_id, "", str(tmp_path)))
    recipe = Recipe.model_validate_json((folder / names.RECIPE_FILE).read_text())
    flags = {name.lower(): str(value) for name, value in settings.items()}
    assert recipe == load_settings("none", flags).load_recipe()
    report = begun.pipeline_root / "reports" / f"{run.run_id.replace(':', '-')}.html"
    assert (folder / names.REPORT_FILE).read_text() == report.read_text()

    assert SECRET not in printed
    hidden_everywhere(begun.folder, mlflow.folder, folder)


@pytest.mark.slow
def test_a_server_that_fails_in_mid_training_changes_no_figure(
    walk: Walk,
    workplace: Workplace,
    few_pets: Path,
    proxy: FaultyProxy,
    client: "MlflowClient",
    experiment: str,
) -> None:
    settings = {**tracked(proxy, experiment), "BATCH_SIZE": 4}
    process = start(workplace, few_pets, **settings)
    wait_for(process, "Trainer")
    proxy.turn("hang")
    printed, said = process.communicate(timeout=400)
    assert process.returncode == 0, printed + said
    assert "Traceback" not in said
    assert "events wait to be sent." in row(printed, "MLflow")
    waiting = workplace.run("visionpipe track", **settings)
    assert "events wait" in waiting.stdout
    refused = workplace.run("visionpipe track --replay", **settings)
    assert refused.returncode == 1
    assert refused.stderr.strip() == f"MLflow at {proxy.address} does not answer in time."

    proxy.turn("pass")
    assert "Completed in MLflow: 1 of 1 runs." in replayed(workplace, **settings)
    run = last_run(workplace)
    check_epochs(client, find(client, experiment, run.run_id), run)
    without_tracking = last_run(walk.workplace)
    assert epochs(run) == epochs(without_tracking)


@pytest.mark.slow
def test_killed_gone_on_with_and_refused(
    begun: Workplace,
    few_pets: Path,
    proxy: FaultyProxy,
    client: "MlflowClient",
    experiment: str,
) -> None:
    settings = {**REFUSED, **tracked(proxy, experiment), "EPOCHS": 12}
    killed = start(begun, few_pets, **{**settings, "RECIPE": "scenes"})
    wait_for(killed, "Epoch 4/")
    killed.kill()
    killed.communicate()
    proxy.turn("fail")

    settings = {**settings, "RECIPE": "scenes", "DATA_ROOT": few_pets}
    done = begun.run("python local_runner.py", **settings)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Resuming after epoch" in done.stdout
    assert "fails (500" in row(done.stdout, "MLflow")
    proxy.turn("pass")
    assert "Completed in MLflow: 2 of 2 runs." in replayed(begun, **settings)

    run = last_run(begun)
    went_on = find(client, experiment, run.run_id)
    [other] = [one for one in recorded(client, experiment) if one.info != went_on.info]
    assert (other.info.status, went_on.info.status) == ("KILLED", "FINISHED")
    assert [step for step, _ in points(client, other, "loss")][:3] == [0, 1, 2]
    check_epochs(client, went_on, run)
    assert went_on.data.tags[names.BLESSED] == "false"
    assert went_on.data.tags[names.REFUSALS] == "; ".join(run.refusals())


@pytest.mark.slow
def test_a_failed_step_and_an_interruption(
    begun: Workplace,
    few_pets: Path,
    proxy: FaultyProxy,
    client: "MlflowClient",
    experiment: str,
) -> None:
    settings = {**SMOKE, **tracked(proxy, experiment), "DATA_ROOT": few_pets}
    weights = begun.folder / "weights.h5"
    weights.write_text("no weights")
    failing = {**settings, **REFUSED, "MODEL": "unet", "ENCODER_WEIGHTS": weights}
    failed = begun.run("python local_runner.py", **failing)
    assert failed.returncode == 1, failed.stdout + failed.stderr
    assert " MLflow: " in failed.stderr
    process = start(begun, few_pets, **tracked(proxy, experiment), EPOCHS=500)
    wait_for(process, "Epoch 2/")
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=100)
    assert process.returncode == 130
    begun.run("visionpipe track --replay", **settings)
    status = {run.info.status: run for run in recorded(client, experiment)}
    assert set(status) == {"FAILED", "KILLED"}
    assert names.BLESSED not in status["FAILED"].data.tags
    assert status["KILLED"].data.metrics["loss"] > 0


def test_what_the_verb_says_of_a_server_that_it_cannot_use(workplace: Workplace) -> None:
    """Before anything is imported that takes long."""
    for command, settings, said in (
        ("track --replay", {}, "There is nowhere to send runs to: set MLFLOW_TRACKING_URI."),
        (
            "track",
            {"MLFLOW_TRACKING_URI": f"sqlite:///{SECRET}"},
            "Wrong settings: MLFLOW_TRACKING_URI: it is no address of an MLflow server, such as "
            "http://127.0.0.1:5000.",
        ),
    ):
        done: subprocess.CompletedProcess[str] = workplace.run(f"visionpipe {command}", **settings)
        assert (done.returncode, done.stderr.strip()) == (2, said)
