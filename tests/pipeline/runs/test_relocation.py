"""Runs that are read where their PIPELINE_ROOT was moved or copied to."""

import hashlib
import shutil
import sqlite3
from pathlib import Path

import pytest

from pipeline.lineage.known import known_run
from pipeline.runs import relocation, store
from pipeline.runs.history import load_run
from tests.conftest import REPOSITORY, Workplace


@pytest.fixture
def original(hostile: Workplace, tmp_path: Path) -> Path:
    """A root with a run, whose paths are those of another root: a copy, before anything read it."""
    return Path(shutil.copytree(hostile.pipeline_root, tmp_path / "project" / "pipeline"))


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def paths(store: Path, text: str) -> int:
    """How many values of a store begin with a text."""
    with sqlite3.connect(store) as connection:
        return sum(
            value.startswith(text)
            for table, column in relocation._COLUMNS
            for (value,) in connection.execute(f"SELECT {column} FROM {table}")
            if value
        )


def test_a_copy_is_read_where_it_lies(
    hostile: Workplace, original: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store, former = original / "metadata.sqlite", hostile.pipeline_root / "metadata.sqlite"
    before = digest(former)
    run = load_run(store)
    assert f"PIPELINE_ROOT={original} was {hostile.pipeline_root} before" in capsys.readouterr().err
    artifacts = [artifact for step in run.steps.values() for artifact in step.outputs.values()]
    assert artifacts
    assert all(Path(artifact.uri).is_relative_to(original) for artifact in artifacts)
    assert paths(store, str(hostile.pipeline_root)) == 0
    told = run.output("Evaluator", "blessing").get_string_custom_property("current_model")
    assert told == run.output("Trainer", "model").uri
    assert run.metrics() == load_run(former).metrics()
    assert known_run(run.output("Trainer", "model").uri, store) == run.run_id

    load_run(store)
    assert capsys.readouterr().err == ""  # it is told once
    assert digest(former) == before


def test_what_lay_beside_a_moved_root_is_found_beside_it(original: Path) -> None:
    """A renamed project: `data`, which was in it, is found, and what is elsewhere stays."""
    project = original.parent
    store.run_ids(original / "metadata.sqlite")
    with sqlite3.connect(original / "metadata.sqlite") as connection:
        connection.execute(
            "UPDATE ExecutionProperty SET string_value = ? WHERE name = 'input_base'",
            [str(project / "data")],
        )
        connection.execute(
            "UPDATE ExecutionProperty SET string_value = ? WHERE name = 'schema_text'",
            [str(REPOSITORY / "pyproject.toml")],
        )
    (project / "data").mkdir()
    renamed = project.rename(project.with_name("renamed"))
    run = load_run(renamed / "pipeline" / "metadata.sqlite")
    steps = run.steps
    assert steps["ImportExampleGen"].properties["input_base"] == str(renamed / "data")
    assert steps["ImportSchemaGen"].properties["schema_text"] == str(REPOSITORY / "pyproject.toml")


def test_what_was_beside_the_root_and_is_there_still_stays_the_originals(tmp_path: Path) -> None:
    for place in ("a", "b"):
        (tmp_path / place / "serving" / "1").mkdir(parents=True)
    pushed = str(tmp_path / "a/serving/1")
    assert relocation._moved(pushed, tmp_path / "a/root", tmp_path / "b/root") == pushed
    shutil.rmtree(tmp_path / "a/serving")
    moved = relocation._moved(pushed, tmp_path / "a/root", tmp_path / "b/root")
    assert moved == str(tmp_path / "b/serving/1")


def test_a_run_follows_before_its_first_step_and_not_under_another_run(
    hostile: Workplace, workplace: Workplace, few_pets: Path
) -> None:
    shutil.copytree(hostile.pipeline_root, workplace.pipeline_root)
    store = workplace.pipeline_root / "metadata.sqlite"
    before = digest(store)
    with relocation.lock_of(workplace.pipeline_root):
        done = workplace.run("python local_runner.py", DATA_ROOT=few_pets)
    assert (done.returncode, done.stdout) == (2, "")
    assert (
        f"A run is using PIPELINE_ROOT={workplace.pipeline_root} as {hostile.pipeline_root}"
        in done.stderr
    )
    assert digest(store) == before


def test_a_moved_root_that_cannot_be_written_is_told_with_its_cure(original: Path) -> None:
    (original / ".lock").unlink()
    (original / ".lock").mkdir()  # root may write whatever the permissions say
    with pytest.raises(ValueError, match="mend its permissions, or move it back"):
        store.run_ids(original / "metadata.sqlite")
