"""Models by their folders, their runs and their tags."""

from pathlib import Path

import pytest

from pipeline.inference.model import find_newest, read_task
from pipeline.inference.named import find_named
from pipeline.places import ModelSettings
from tests.conftest import Workplace
from tests.emulators.hub import HubEmulator
from tests.pipeline.report.pages import run_of


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ModelSettings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.delenv("HF_TOKEN", raising=False)
    monkeypatch.chdir(tmp_path)


def settings_of(workplace: Workplace, **others: str) -> ModelSettings:
    return ModelSettings(_env_file=None, pipeline_root=str(workplace.pipeline_root), **others)


def test_a_refused_run_by_the_beginning_of_its_id(hostile: Workplace) -> None:
    run = run_of(hostile)
    named = find_named(run.run_id[:19], settings_of(hostile))
    assert str(named.folder) == run.model_path
    assert named.title == f"run {run.run_id}"
    assert named.notice == f"Refused by its gate: {'; '.join(run.refusals())}"
    assert read_task(find_newest(named.folder)) == "segmentation"


def test_a_path_is_taken_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "2026").mkdir()
    settings = ModelSettings(_env_file=None)
    assert find_named("2026", settings).folder == Path("2026")
    assert find_named("no/such/folder", settings).folder == Path("no/such/folder")
    with pytest.raises(ValueError, match="holds no model of this pipeline"):
        read_task(tmp_path / "2026")


def test_what_there_is_to_choose_from(hostile: Workplace, tmp_path: Path) -> None:
    known = f"whose runs are, nearest first: {run_of(hostile).run_id}. "
    with pytest.raises(ValueError, match=known + "For a tag of the Hub, set HF_REPO_ID"):
        find_named("yesterday", settings_of(hostile))
    with HubEmulator(tmp_path / "hub") as hub:
        others = {"hf_endpoint": hub.endpoint, "hf_repo_id": "demo/pets"}
        with pytest.raises(ValueError, match=known + "http.*demo/pets is no repository"):
            find_named("v-0", settings_of(hostile, **others))
