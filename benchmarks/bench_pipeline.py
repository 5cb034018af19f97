"""The whole pipeline on the default data, as a user runs it, and what it adds to the training.

`python local_runner.py` runs twice in fresh folders, without publishing to the Hub; the second run
is answered from the cache. The peer is a bare `keras.Model.fit` of the same network for as many
steps on the same pixels, held in memory, in a process of its own. What a run takes beyond training
is its wall time without the seconds that the Trainer itself counts from its first step to the last
validation.
"""

import json
import tempfile
from pathlib import Path
from typing import TypedDict

from rich.console import Console
from rich.table import Table

from benchmarks import processes, report
from benchmarks.report import Figure, figure
from tfrecords import synthetic

_BARE = "bare keras.Model.fit of as many steps"
_IMPORT = "import tfx.v1"


class Step(TypedDict):
    """What a step of a run took, begin to end, in seconds."""

    step: str
    seconds: float
    cached: bool


def run(rounds: int, output: Path) -> list[Figure]:
    """Run the pipeline and run it again, and write `pipeline.json`.

    Args:
        rounds: not heeded: once is enough of what takes minutes.
        output: folder of the file.

    Returns:
        Seconds of the run, of what it takes beyond training, of its slowest step beside the
        Trainer, and of the second run.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        synthetic.generate(str(folder / "data"))
        found, steps = compare(folder)
    report.write(steps, output / "pipeline.json")
    Console().print(table(steps))
    return found


def compare(folder: Path, **settings: object) -> tuple[list[Figure], list[Step]]:
    """Run the pipeline on the data in a folder, and the peers.

    Args:
        folder: holds `data`; what the runs make is put beside it.
        **settings: of the pipeline, where they are not the default.
    """
    from benchmarks.bench_trainer import decoded, save
    from models.config import TrainingConfig
    from models.provenance import read_provenance
    from pipeline.runs import history, store

    places = {"PIPELINE_ROOT": folder / "pipeline", "SERVING_DIR": folder / "serving"}
    settings = {**settings, **places, "DATA_ROOT": folder / "data", "HF_REPO_ID": ""}
    seconds = [processes.python("local_runner.py", **settings).seconds for _ in range(2)]
    metadata = folder / "pipeline/metadata.sqlite"
    first, second = (history.load_run(metadata, run_id) for run_id in store.run_ids(metadata))
    if not second.steps["Trainer"].cached:
        raise RuntimeError("The second run trained again: there is no cached run to measure.")
    trained = read_provenance(first.model_path)
    config = TrainingConfig(**trained.config)
    pixels = decoded(
        folder / "data/train-*",
        first.uri("Transform", "transform_graph"),
        first.num_examples()["train"],
    )
    bare = processes.python("-m", "benchmarks.bare_fit", *save(folder, config, *pixels))
    fit = json.loads(bare.output.splitlines()[-1])
    steps = trained.training["steps"]
    if fit["steps"] != steps:
        raise RuntimeError(f"The peer took {fit['steps']} steps, the run {steps}.")
    steps = [
        Step(step=step.name, seconds=step.duration.total_seconds(), cached=step.cached)
        for run in (first, second)
        for step in run.steps.values()
    ]
    slowest = max(row["seconds"] for row in steps if row["step"] != "Trainer")
    imported = processes.python("-c", _IMPORT)
    return [
        figure("Whole run, default data", "s", [seconds[0]], [bare.seconds], f"{_BARE}, process"),
        figure(
            "Whole run beyond training",
            "s",
            [seconds[0] - trained.training["seconds"]],
            [fit["seconds"]],
            _BARE,
        ),
        figure("Slowest step beside the Trainer", "s", [slowest], [fit["seconds"]], _BARE),
        figure("Second run, all cached", "s", [seconds[1]], [imported.seconds], _IMPORT),
    ], steps


def table(steps: list[Step]) -> Table:
    """Seconds of each step, of the first run and of the second."""
    rows = Table("step", title="Seconds of each step", title_justify="left")
    for column in ("first run", "second run"):
        rows.add_column(column, justify="right")
    for name in dict.fromkeys(row["step"] for row in steps):
        rows.add_row(name, *(f"{row['seconds']:.1f}" for row in steps if row["step"] == name))
    return rows
