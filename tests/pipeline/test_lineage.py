"""`python -m pipeline lineage` on the local engine's runs."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest
from ml_metadata.metadata_store import MetadataStore
from tfx.orchestration import metadata

from pipeline.lineage.known import known_run
from pipeline.runs import store
from tests.conftest import REPOSITORY, Walk, Workplace
from tests.pipeline.lineage.rows import row, rows, squeezed
from tests.pipeline.report.pages import run_of


def lineage(workplace: Workplace, name: object) -> str:
    done = workplace.run(f"python -m pipeline lineage '{name}'")
    assert done.returncode == 0, done.stderr
    return done.stdout


def refused(workplace: Workplace, name: object) -> str:
    """Why there is none; TensorFlow was not imported to say so."""
    done = workplace.run(f"python -X importtime -m pipeline lineage '{name}'")
    assert (done.returncode, done.stdout) == (2, "")
    modules = [line for line in done.stderr.splitlines() if line.startswith("import time:")]
    assert any(line.endswith(" pipeline.runs.store") for line in modules)
    assert not any(line.endswith((" tensorflow", " tfx")) for line in modules)
    [message] = [line for line in done.stderr.splitlines() if line not in modules]
    return message


@pytest.mark.slow
def test_the_whole_chain_of_a_published_model(trained: Workplace, drawn_pets: Path) -> None:
    [version] = trained.pushed()
    output = lineage(trained, version.name)
    first, *_ = store.run_ids(trained.pipeline_root / "metadata.sqlite")
    told = json.loads((drawn_pets / "dataset.json").read_text())
    assert row(output, "data") == str(drawn_pets)
    assert row(output, "data digest") == told["digest"]
    assert (row(output, "images, train"), row(output, "images, eval")) == ("600", "120")
    assert row(output, "trained by run") == first
    head = ["git", "rev-parse", "HEAD"]
    commit = subprocess.run(head, cwd=REPOSITORY, capture_output=True, text=True).stdout.strip()
    assert row(output, "git commit").startswith(commit or "none")
    assert (row(output, "recipe"), row(output, "architecture")) == ("scenes", "unet")
    assert "epochs6," in squeezed(row(output, "settings"))
    summary = (trained.folder / "tfx-2.txt").read_text()
    for name in ("mean IoU", "IoU, pet", "IoU, background", "IoU, border", "edge model"):
        assert row(output, name) == row(summary, name)
    assert row(output, "verdict") == "blessed: every condition of the gate is met"
    assert row(output, "pushed to") == str(version)
    assert row(output, "published") == row(summary, "published")
    assert row(output, "demo") == row(summary, "demo")

    model = row(output, "model")
    tag, revision = row(output, "tag"), row(output, "revision")
    assert row(output, "published").endswith(f"/tree/{tag}")
    metadata = trained.pipeline_root / "metadata.sqlite"
    for name in (str(version), model, f"{model}/Format-Serving", tag, revision, revision[:8]):
        assert known_run(name, metadata) == first, name


@pytest.mark.slow
def test_a_reused_trainer_is_followed_to_the_run_that_trained(walk: Walk, few_pets: Path) -> None:
    """The checkout's state, which is recorded of every run, has no step run again."""
    workplace = walk.workplace
    first, second, third = store.run_ids(workplace.pipeline_root / "metadata.sqlite")
    output = lineage(workplace, second)
    assert (row(output, "trained by run"), row(output, "reused by run")) == (first, second)
    assert len([name for name, _ in rows(output) if name == "git commit"]) == 2
    told = json.loads((few_pets / "dataset.json").read_text())
    assert row(output, "data digest") == told["digest"]
    assert ("reused by run", second) not in rows(lineage(workplace, row(output, "model")))
    message = refused(workplace, first[:4])
    assert message.startswith(f"{first[:4]} may be any of these, so give more of the name: ")
    assert all(name in message for name in (first, second, third))


def test_a_refused_model_with_the_reasons(hostile: Workplace) -> None:
    run = run_of(hostile)
    output = lineage(hostile, run.run_id)
    assert row(output, "verdict").startswith("refused: ")
    for reason in run.refusals():
        assert squeezed(reason) in squeezed(row(output, "verdict"))
    assert row(output, "mean IoU") == f"{run.metrics()['mean_iou']:.3f}"
    assert row(output, "pushed to") == "nowhere"
    assert "published" not in dict(rows(output))


def test_what_files_held_is_said_to_be_gone(hostile: Workplace, workplace: Workplace) -> None:
    workplace.pipeline_root.mkdir()
    path = shutil.copy(hostile.pipeline_root / "metadata.sqlite", workplace.pipeline_root)
    store = MetadataStore(metadata.sqlite_metadata_connection_config(path))
    [evaluation] = store.get_artifacts_by_type("ModelEvaluation")
    evaluation.uri += "-removed"
    store.put_artifacts([evaluation])
    output = lineage(workplace, run_of(hostile).run_id)
    assert row(output, "verdict") == "refused"
    assert "is no longer whole" in row(output, "not read")
    assert row(output, "architecture") == "unet_light"


def test_without_a_run_the_cure_is_named_and_nothing_made(workplace: Workplace) -> None:
    message = refused(workplace, "any")
    assert message.startswith(f"There is no run under PIPELINE_ROOT={workplace.pipeline_root} yet")
    assert list(workplace.folder.iterdir()) == []


def test_an_unknown_name_is_met_with_the_runs(hostile: Workplace) -> None:
    message = refused(hostile, "v-0c8f0b8ef5ee")
    assert message.startswith("v-0c8f0b8ef5ee is no run, and no folder, version, tag or revision")
    assert message.endswith(f"The runs here are, nearest first: {run_of(hostile).run_id}.")


def test_a_model_made_elsewhere_is_said_to_be(hostile: Workplace, tmp_path: Path) -> None:
    (tmp_path / "saved_model.pb").touch()
    message = refused(hostile, tmp_path)
    assert message.startswith(f"{tmp_path} is of no run that is recorded here, so it was made else")
    assert str(hostile.pipeline_root) in message


def test_a_file_that_is_no_store(workplace: Workplace) -> None:
    workplace.pipeline_root.mkdir()
    store = workplace.pipeline_root / "metadata.sqlite"
    store.write_text("something else, and longer than the header of a database is " * 10)
    assert refused(workplace, "any").startswith(f"{store} cannot be read (")
