"""Benchmarks that run the pipeline, on a few images and for one epoch."""

import json
from pathlib import Path

import pytest

from benchmarks import bench_pipeline, processes
from tests.small_runs import REFUSED
from tests.warm.commands import python
from tfrecords import synthetic


@pytest.fixture(autouse=True)
def warm(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is measured is not looked at."""
    monkeypatch.setattr(processes, "PYTHON", python())


@pytest.fixture
def data(tmp_path: Path) -> Path:
    synthetic.generate(str(tmp_path / "data"), train=32, val=8)
    return tmp_path / "data"


@pytest.mark.slow
def test_each_node_is_measured_in_a_process_of_its_own(tmp_path: Path, data: Path) -> None:
    def seconds(node: str) -> float:
        places = {"DATA_ROOT": data, "PIPELINE_ROOT": tmp_path / "root"}
        usage = processes.python("-m", "benchmarks.stages", node, **places)
        return json.loads(usage.output.splitlines()[-1])["seconds"]

    assert seconds("ImportExampleGen") > 0
    assert seconds("StatisticsGen") > 0
    made = sorted(path.name for path in (tmp_path / "root").iterdir() if path.is_dir())
    assert made == ["ImportExampleGen", "ImportSchemaGen", "StatisticsGen"]
    with pytest.raises(RuntimeError, match="StatisticsGen is CACHED: there is nothing to measure"):
        seconds("StatisticsGen")


@pytest.mark.slow
def test_a_whole_run_is_compared_with_a_bare_fit(tmp_path: Path, data: Path) -> None:
    figures, steps = bench_pipeline.compare(tmp_path, **REFUSED)
    whole, beyond, slowest, second = figures
    assert whole["ours"] > beyond["ours"] > slowest["ours"] > 0
    assert whole["peer"] > beyond["peer"] == slowest["peer"] > 0
    assert second["ours"] < whole["ours"]
    assert {row["cached"] for row in steps if row["step"] == "Trainer"} == {False, True}
    assert bench_pipeline.table(steps).row_count == len({row["step"] for row in steps})
