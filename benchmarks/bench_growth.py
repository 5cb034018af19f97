"""Time and memory of every stage as the data grows, from 200 to 20,000 images.

Each stage runs in a process of its own, so that its peak of memory is its own; its seconds are
those of the stage alone, the process' imports left out (of the conversion: the whole process); its
memory is that of the largest process, imports included. Figures are of one run of each. The network
is small and is trained for one epoch, for training takes its time by the step. 2,000 images
are drawn; 20,000 are those ten times each, with some bytes at the end by which each differs, since
what keeps values keeps equal ones once.
"""

import json
import math
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TypedDict

from rich.console import Console
from rich.progress import track
from rich.table import Table

from benchmarks import processes, report
from benchmarks.report import Figure

SIZES = (200, 2_000, 20_000)
_DRAWN = 2_000
_CONVERSION = "create_tfrecords_pets"
# They read no data, and what follows runs them.
_CONSTANT = ("ImportSchemaGen", "latest_blessed_model")
_TRAINING = {"MODEL": "unet_light", "IMAGE_SIZE": 32, "BATCH_SIZE": 32, "EPOCHS": 1}
_LINEAR = "time in step with the data"
_NOISE = 0.5  # s


class Stage(TypedDict):
    """What a stage took.

    Attributes:
        stage: its name.
        images: how many the data set has, a fifth of them for validation.
        seconds: the stage alone.
        peak_mb: of its process, in 10^6 bytes.
    """

    stage: str
    images: int
    seconds: float
    peak_mb: float


def run(rounds: int, output: Path) -> list[Figure]:
    """Measure all stages and write `growth.json`.

    Args:
        rounds: not heeded: once is enough of what takes minutes.
        output: folder of the file.

    Returns:
        Of each stage the exponent of its time between the two largest sizes, beside 1, with the
        start-up and without it, and its peak of memory at the largest beside that at the other.
    """
    taken = stages(SIZES)
    report.write(taken, output / "growth.json")
    Console().print(table(taken))
    return figures(taken)


def stages(sizes: Sequence[int]) -> list[Stage]:
    """Run every stage on data sets of these sizes, the smallest first."""
    from benchmarks.stages import node_ids

    nodes = [name for name in node_ids() if name not in _CONSTANT]
    taken: list[Stage] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        drawn = folder / "drawn"
        count = min(_DRAWN, max(sizes))
        files = ["--as-files", "--output", drawn, "--train", count - 1, "--val", 1]
        processes.python("-m", "tfrecords.synthetic", *files)
        turns = [(size, stage) for size in sizes for stage in (_CONVERSION, *nodes)]
        for size, stage in track(turns, "growth", console=Console(stderr=True)):
            place = folder / str(size)
            if stage == _CONVERSION:
                under_names(drawn, place, size)
                usage = _convert(place)
                seconds = usage.seconds
            else:
                usage = _node(place, stage)
                seconds = json.loads(usage.output.splitlines()[-1])["seconds"]
            taken.append(Stage(stage=stage, images=size, seconds=seconds, peak_mb=usage.peak_mb))
    return taken


def under_names(drawn: Path, place: Path, size: int) -> None:
    """Put drawn photos and trimaps into a folder, again and again where there are too few.

    What follows the end of a JPEG's image is left alone by every decoder.
    """
    photos = sorted((drawn / "images").glob("*.jpg"))
    for kind in ("images", "trimaps"):
        (place / kind).mkdir(parents=True)
    for number in range(size):
        copy, index = divmod(number, len(photos))
        breed, _, own = photos[index].stem.rpartition("_")
        name = f"{breed}_{int(own) + copy * len(photos)}"
        (place / "images" / f"{name}.jpg").write_bytes(photos[index].read_bytes() + b"%d" % number)
        os.link(drawn / "trimaps" / f"{photos[index].stem}.png", place / "trimaps" / f"{name}.png")


def exponent(sizes: tuple[float, float], seconds: tuple[float, float]) -> float:
    """Of the power of the size with which the time grows: 1 is linear, 0 is constant."""
    return math.log(seconds[1] / seconds[0]) / math.log(sizes[1] / sizes[0])


def figures(taken: Sequence[Stage]) -> list[Figure]:
    """Compare the two largest of three sizes, stage by stage.

    The start-up is what the smallest size takes. A stage that takes hardly more for the next one
    does not grow, and has no exponent beyond it.
    """
    least, less, more = sorted({row["images"] for row in taken})
    at = {(row["stage"], row["images"]): row for row in taken}
    found = []
    for stage in dict.fromkeys(row["stage"] for row in taken):
        start, before, after = (at[stage, size] for size in (least, less, more))
        name = f"{stage}, growth {less:,} to {more:,} images"
        power = exponent((less, more), (before["seconds"], after["seconds"]))
        found.append(report.figure(name, "exponent", [power], [1.0], _LINEAR))
        added = before["seconds"] - start["seconds"], after["seconds"] - start["seconds"]
        if min(added) > _NOISE:
            power = exponent((less - least, more - least), added)
            name = f"{name}, beyond start-up"
            found.append(report.figure(name, "exponent", [power], [1.0], _LINEAR))
        peaks = [after["peak_mb"]], [before["peak_mb"]]
        name = f"{stage}, peak memory at {more:,} images"
        found.append(report.figure(name, "MB", *peaks, f"its own at {less:,}"))
    return found


def table(taken: Sequence[Stage]) -> Table:
    """Seconds and peak memory, a row for each stage."""
    rows = Table(title="Seconds, and MB at the peak, of each stage", title_justify="left")
    rows.add_column("stage", overflow="fold")
    sizes = sorted({row["images"] for row in taken})
    for size in sizes:
        rows.add_column(f"{size:,} images", justify="right")
    at = {(row["stage"], row["images"]): row for row in taken}
    for stage in dict.fromkeys(row["stage"] for row in taken):
        cells = [at[stage, size] for size in sizes]
        rows.add_row(stage, *(f"{row['seconds']:,.1f} s {row['peak_mb']:,.0f} MB" for row in cells))
    return rows


def _convert(place: Path) -> processes.Usage:
    files = ["--images", place / "images", "--trimaps", place / "trimaps"]
    return processes.python(
        *("-m", "tfrecords.create_tfrecords_pets", *files),
        *("--output", place / "data", "--keep-duplicates"),  # as the same photos have many names
    )


def _node(place: Path, name: str) -> processes.Usage:
    """Run a node of the pipeline; HFPusher publishes to a Hub on this machine."""
    hub = ["-m", "tests.emulators.hub", "--state", place / "hub", "--", processes.PYTHON]
    publishing = name == "HFPusher"
    return processes.python(
        *(hub if publishing else []),
        *("-m", "benchmarks.stages", name),
        DATA_ROOT=place / "data",
        PIPELINE_ROOT=place / "pipeline",
        SERVING_DIR=place / "serving",
        HF_REPO_ID="demo/growth" if publishing else "",
        HF_LICENSE="cc0-1.0",
        **_TRAINING,
    )
