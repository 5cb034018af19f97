"""Twenty runs that are recorded at once, on PostgreSQL through PgPool, are complete."""

import json
import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psycopg
import pytest
from mlflow import MlflowClient
from mlflow.entities import Dataset, DatasetInput, Metric, Param, RunStatus, RunTag

from tests.services.held import Addresses
from tracking import names

RUNS, EPOCHS = 20, 12
ASKING = "asking"  # what these tests call themselves in PostgreSQL
TAGS = [value for name, value in vars(names).items() if name.isupper() and value.islower()]
TAGS.remove(names.DESCRIPTION)  # one of MLflow's own, of which it adds others
BY_EPOCH = ("loss", "mean_iou", "val_loss", "val_mean_iou", "learning_rate", "seconds")
JUDGED = [f"{names.EVALUATION}{key}" for key in ("mean_iou", "iou_pet", "dice_pet", "boundary_iou")]


def tags_of(number: int) -> dict[str, str]:
    return {tag: f"{tag} of {number}" for tag in TAGS}


def parameters_of(number: int) -> dict[str, str]:
    return {f"recipe.{name}": f"{name} of {number}" for name in range(60)}


def history_of(number: int) -> dict[str, list[float]]:
    """Values by epoch; of what the gate judges, one."""
    by_epoch = {
        key: [number + epoch / 7 + place for epoch in range(EPOCHS)]
        for place, key in enumerate(BY_EPOCH)
    }
    return by_epoch | {key: [number / 3 + place] for place, key in enumerate(JUDGED)}


def record(client: MlflowClient, experiment: str, number: int, begin: threading.Barrier) -> str:
    """Records a run as a training does: an epoch after the other."""
    begin.wait()
    run = client.create_run(experiment, tags=tags_of(number)).info.run_id
    client.log_batch(run, params=[Param(*pair) for pair in parameters_of(number).items()])
    client.log_inputs(run, [DatasetInput(Dataset(f"data {number}", f"{number}", "http", "{}"))])
    history = history_of(number)
    for epoch in range(EPOCHS):
        moment = 1_800_000_000_000 + epoch
        metrics = [Metric(key, history[key][epoch], moment, epoch) for key in BY_EPOCH]
        client.log_batch(run, metrics=metrics)
    judged = [Metric(key, history[key][0], 1_900_000_000_000, 0) for key in JUDGED]
    client.log_batch(run, metrics=judged, tags=[RunTag(names.BLESSED, "true")])
    client.log_text(run, json.dumps({"number": number}), names.RECIPE_FILE)
    client.log_text(run, f"<p>{number}", names.REPORT_FILE)
    client.set_terminated(run)
    return run


@pytest.fixture(scope="session")
def recorded(mlflow_on_postgres: Addresses, shared) -> tuple[MlflowClient, list[str]]:
    """A client, and the runs' ids in the order of their numbers; recorded once for all."""
    client = MlflowClient(mlflow_on_postgres.mlflow)

    def record_all(folder: Path) -> None:
        experiment = client.create_experiment(uuid.uuid4().hex)
        begin = threading.Barrier(RUNS)
        with ThreadPoolExecutor(RUNS) as pool:
            recording = [
                pool.submit(record, client, experiment, number, begin) for number in range(RUNS)
            ]
        runs = [one.result() for one in recording]
        (folder / "runs.json").write_text(json.dumps(runs))

    return client, json.loads((shared("many_runs", record_all) / "runs.json").read_text())


def test_every_run_is_complete(recorded: tuple[MlflowClient, list[str]]) -> None:
    client, runs = recorded
    assert len(set(runs)) == RUNS
    for number, run_id in enumerate(runs):
        run = client.get_run(run_id)
        assert run.info.status == RunStatus.to_string(RunStatus.FINISHED)
        assert run.data.params == parameters_of(number)
        own = {tag: is_ for tag, is_ in run.data.tags.items() if not tag.startswith("mlflow.")}
        assert own == tags_of(number) | {names.BLESSED: "true"}
        assert set(run.data.metrics) == set(history_of(number))
        assert [given.dataset.name for given in run.inputs.dataset_inputs] == [f"data {number}"]
        artifacts = {found.path for found in client.list_artifacts(run_id)}
        assert artifacts == {names.RECIPE_FILE, names.REPORT_FILE}
    newest = client.search_runs(run.info.experiment_id, f"tags.{names.BLESSED} = 'true'")
    assert {found.info.run_id for found in newest} == set(runs)


def test_every_epoch_of_every_run_is_there(recorded: tuple[MlflowClient, list[str]]) -> None:
    client, runs = recorded

    def read(number: int) -> dict[str, list[Any]]:
        return {
            key: [
                (point.step, point.value)
                for point in sorted(
                    client.get_metric_history(runs[number], key), key=lambda point: point.step
                )
            ]
            for key in history_of(number)
        }

    with ThreadPoolExecutor(RUNS) as pool:
        for number, found in enumerate(pool.map(read, range(RUNS))):
            wanted = history_of(number)
            assert found == {key: list(enumerate(values)) for key, values in wanted.items()}


def ask(addresses: Addresses) -> psycopg.Connection[Any]:
    """Connects to PostgreSQL itself, past PgPool."""
    return psycopg.connect(addresses.postgres, application_name=ASKING)


def test_the_database_has_as_many_rows(
    recorded: tuple[MlflowClient, list[str]], mlflow_on_postgres: Addresses
) -> None:
    """Counted past PgPool, in PostgreSQL itself: nothing is there twice."""
    _, runs = recorded
    points = EPOCHS * len(BY_EPOCH) + len(JUDGED)
    with ask(mlflow_on_postgres) as connection:
        for table, each in (("metrics", points), ("params", 60)):
            query = f"SELECT count(*) FROM {table} WHERE run_uuid = ANY(%s)"
            assert connection.execute(query, [runs]).fetchone() == (RUNS * each,), table


def test_the_server_has_its_connections_from_pgpool(mlflow_on_postgres: Addresses) -> None:
    """PgPool knows the process of PostgreSQL behind each."""
    of_others = (
        "SELECT pid FROM pg_stat_activity WHERE datname = current_database() "
        f"AND application_name <> '{ASKING}'"
    )
    with ask(mlflow_on_postgres) as connection:
        of_server = {str(pid) for (pid,) in connection.execute(of_others)}
    with psycopg.connect(mlflow_on_postgres.pgpool, autocommit=True) as connection:
        pools = connection.execute("SHOW pool_pools").fetchall()
    assert of_server
    assert of_server <= {column for row in pools for column in row}
