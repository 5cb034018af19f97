"""Where runs are looked for."""

from pathlib import Path

import pytest

from pipeline.checks.places import check_folders
from pipeline.configs import load_settings
from pipeline.runs import store


@pytest.fixture
def earlier(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project in which a version with one folder for all recipes ran."""
    for name in ("RECIPE", "PIPELINE_ROOT", "SERVING_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "output" / "pipeline").mkdir(parents=True)
    (tmp_path / "output" / "pipeline" / "metadata.sqlite").touch()
    return tmp_path


def test_earlier_runs_are_told_until_there_are_new_ones(earlier: Path) -> None:
    settings = load_settings()
    told = store.told_of_earlier_runs(settings)
    assert told == (
        "The runs of an earlier version are in output/pipeline, and stay there: set "
        "PIPELINE_ROOT=output/pipeline and SERVING_DIR=output/serving to go on with them."
    )
    assert check_folders(settings).endswith(f" can be written. {told}")
    store.metadata_path(settings).touch()
    assert store.told_of_earlier_runs(settings) == ""
    assert check_folders(settings).endswith(" can be written")


@pytest.mark.parametrize("root", ["output/pipeline", "output/other"])
def test_nothing_is_told_of_a_place_that_was_chosen(earlier: Path, root: str) -> None:
    assert store.told_of_earlier_runs(load_settings(pipeline_root=root)) == ""
