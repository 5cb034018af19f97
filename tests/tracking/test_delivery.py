"""A journal sent to MLflow's own server, also past one that fails."""

import json
import math
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.tracking.conftest import opened
from tests.tracking.faulty_proxy import FaultyProxy, Mode
from tracking import names
from tracking.config import TrackingConfig
from tracking.delivery import deliver
from tracking.errors import RefusedError, UnreachableError
from tracking.journal import Journal
from tracking.server import Server

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

DIGEST = "0123456789abcdef0123456789abcdef0123"


def recorded(client: "MlflowClient", experiment: str) -> list["Run"]:
    found = client.get_experiment_by_name(experiment)
    return list(client.search_runs([found.experiment_id])) if found else []


def points(client: "MlflowClient", run: "Run", key: str) -> list[tuple[int, float]]:
    history = client.get_metric_history(run.info.run_id, key)
    return sorted((point.step, point.value) for point in history)


def test_all_that_a_run_tells_arrives(
    journal: Journal, server: Server, client: "MlflowClient", experiment: str
) -> None:
    journal.params(
        {"gate.limits.mean_iou": "0.7", "long": "x" * 7000, "odd % key": "", "text": "é"}
    )
    journal.metrics({"loss": 0.1, "mean_iou": 1 / 3}, step=0, when=1_700_000_000_000)
    journal.metrics({"loss": 0.05, "mean_iou": 2 / 3}, step=1, when=1_700_000_001_000)
    journal.dataset(
        {
            "name": "pets",
            "digest": DIGEST,
            "source_type": "s3",
            "source": json.dumps({"uri": "s3://image-data/commit/pets"}),
        }
    )
    journal.artifact("figures/curve ä.svg", b"<svg/>")
    assert not deliver(journal, server), "it goes on"
    [run] = recorded(client, experiment)
    assert run.info.status == "RUNNING"

    journal.tags({names.BLESSED: "true", names.REFUSALS: ""})
    journal.close("FINISHED", 1_700_000_009_000)
    assert deliver(journal, server)
    [run] = recorded(client, experiment)
    assert (run.info.status, run.info.end_time) == ("FINISHED", 1_700_000_009_000)
    assert run.data.tags[names.RUN_ID] == run.info.run_name == "2026-11-29T12-00-00"
    assert run.data.tags[names.BLESSED] == "true"
    assert run.data.params["gate.limits.mean_iou"] == "0.7"
    assert len(run.data.params["long"]) == 6000
    assert len(run.data.params) == 4
    assert points(client, run, "mean_iou") == [(0, 1 / 3), (1, 2 / 3)]
    [point, _] = client.get_metric_history(run.info.run_id, "loss")
    assert point.timestamp == 1_700_000_000_000
    [used] = run.inputs.dataset_inputs
    assert (used.dataset.name, used.dataset.digest) == ("pets", DIGEST)
    import mlflow.data

    assert mlflow.data.get_source(used).uri == "s3://image-data/commit/pets"
    [figure] = client.list_artifacts(run.info.run_id, "figures")
    assert (figure.path, figure.file_size) == ("figures/curve ä.svg", 6)
    assert journal.state.finished
    assert journal.state.url.endswith(f"/runs/{run.info.run_id}")
    assert not journal.artifacts.exists()


def test_figures_that_are_no_numbers_take_no_others_with_them(
    journal: Journal, server: Server, client: "MlflowClient", experiment: str
) -> None:
    journal.metrics({"nan": math.nan, "inf": math.inf, "minus": -math.inf, "loss": 0.5})
    deliver(journal, server)
    [run] = recorded(client, experiment)
    assert math.isnan(run.data.metrics["nan"])
    assert run.data.metrics["inf"] > 1e300
    assert run.data.metrics["minus"] < -1e300
    assert run.data.metrics["loss"] == 0.5


def test_what_is_sent_again_is_there_once(
    journal: Journal, server: Server, client: "MlflowClient", experiment: str
) -> None:
    journal.params({"epochs": "3"})
    journal.metrics({"loss": 0.5}, step=0)
    journal.artifact("report.html", b"<p>")
    deliver(journal, server)
    (journal.folder / "state.json").unlink()  # as after a kill between the answer and its writing
    journal.metrics({"loss": 0.4}, step=1)
    deliver(journal, server)
    [run] = recorded(client, experiment)
    assert points(client, run, "loss") == [(0, 0.5), (1, 0.4)]


def test_a_training_that_goes_on_tells_no_epoch_twice(
    journal: Journal, server: Server, client: "MlflowClient", experiment: str
) -> None:
    journal.metrics({"loss": 0.5}, step=0)
    journal.history({"loss": [0.5, 0.4], "val_loss": [0.7, 0.6]})
    journal.metrics({"loss": 0.3, "val_loss": 0.5}, step=2)
    journal.history({"loss": [0.5, 0.4, 0.3], "val_loss": [0.7, 0.6, 0.5]})
    deliver(journal, server)
    [run] = recorded(client, experiment)
    assert points(client, run, "loss") == [(0, 0.5), (1, 0.4), (2, 0.3)]
    assert points(client, run, "val_loss") == [(0, 0.7), (1, 0.6), (2, 0.5)]


@pytest.mark.parametrize("mode", ["fail", "hang", "refuse"])
def test_a_server_that_fails_gets_the_rest_later(
    journal: Journal,
    server: Server,
    proxy: FaultyProxy,
    client: "MlflowClient",
    experiment: str,
    mode: Mode,
) -> None:
    journal.metrics({"loss": 0.5}, step=0)
    deliver(journal, server)
    proxy.turn(mode)
    journal.metrics({"loss": 0.4}, step=1)
    journal.close("FINISHED")
    with pytest.raises(UnreachableError, match=f"MLflow at {proxy.address}"):
        deliver(journal, server)
    assert journal.waiting == 2
    proxy.turn("pass")
    assert deliver(journal, server)
    [run] = recorded(client, experiment)
    assert run.info.status == "FINISHED"
    assert points(client, run, "loss") == [(0, 0.5), (1, 0.4)]


def test_a_deleted_experiment(
    journal: Journal, server: Server, client: "MlflowClient", experiment: str
) -> None:
    number = client.create_experiment(experiment)
    client.delete_experiment(number)
    with pytest.raises(RefusedError) as refused:
        deliver(journal, server)
    assert str(refused.value) == (
        f"MLflow's experiment {experiment} is deleted: restore it with `mlflow experiments restore "
        f"--experiment-id {number}`, or set MLFLOW_EXPERIMENT_NAME to another."
    )
    client.restore_experiment(number)
    deliver(journal, server)
    assert len(recorded(client, experiment)) == 1


def test_a_run_that_was_deleted_meanwhile_gets_all_again(
    journal: Journal, server: Server, client: "MlflowClient", experiment: str
) -> None:
    journal.metrics({"loss": 0.5}, step=0)
    deliver(journal, server)
    [run] = recorded(client, experiment)
    client.delete_run(run.info.run_id)
    journal.metrics({"loss": 0.4}, step=1)
    deliver(journal, server)
    [again] = recorded(client, experiment)
    assert points(client, again, "loss") == [(0, 0.5), (1, 0.4)]


def test_a_run_that_a_slow_server_made_twice_is_one_afterwards(
    journal: Journal, server: Server, client: "MlflowClient", experiment: str
) -> None:
    deliver(journal, server)
    [run] = recorded(client, experiment)
    tags = {names.RUN_ID: journal.folder.name}
    client.create_run(run.info.experiment_id, tags=tags)
    journal.metrics({"loss": 0.5}, step=0)
    deliver(journal, server)
    [left] = recorded(client, experiment)
    assert left.info.run_id == run.info.run_id


def test_an_event_that_the_server_does_not_take_is_told_and_keeps_back_no_other(
    journal: Journal, server: Server, client: "MlflowClient", experiment: str
) -> None:
    journal.params({"epochs": "3"})
    journal.params({"epochs": "4"})
    journal.metrics({"loss": 0.5})
    journal.close("FINISHED")
    assert deliver(journal, server)
    [run] = recorded(client, experiment)
    assert (run.data.params["epochs"], run.data.metrics["loss"]) == ("3", 0.5)
    [refused] = journal.state.refused
    assert "epochs" in refused


def test_other_runs_of_the_experiment_stay_as_they_are(
    journal: Journal, server: Server, tmp_path: Path, client: "MlflowClient", experiment: str
) -> None:
    other = opened(tmp_path, "2026-11-29T13-00-00", experiment)
    for one in (journal, other):
        one.close("FAILED" if one is other else "FINISHED")
        assert deliver(one, server)
    status = {run.info.run_name: run.info.status for run in recorded(client, experiment)}
    assert status == {"2026-11-29T12-00-00": "FINISHED", "2026-11-29T13-00-00": "FAILED"}


def test_a_password_in_the_address_is_in_no_message(proxy: FaultyProxy) -> None:
    proxy.turn("refuse")
    address = f"http://someone:geheim-7@127.0.0.1:{proxy.port}"
    config = TrackingConfig.model_validate({"mlflow_tracking_uri": address})
    with pytest.raises(UnreachableError) as unreachable:
        Server(config)
    assert proxy.address in str(unreachable.value)
    assert "geheim" not in f"{unreachable.value} {config!r} {config.model_dump_json()}"
