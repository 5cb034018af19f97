"""Runs benchmarks, prints a table of each and writes `benchmarks/results.json`.

    python -m benchmarks [NAME ...] [--rounds N] [--images FOLDER --trimaps FOLDER]

Without names all run. What was measured is written down after each benchmark, beside the figures of
those that did not run; `machine.json` tells of each on what machine it ran, and when.
"""

import argparse
import datetime
import difflib
import importlib
import os
import sys
from collections.abc import Sequence
from pathlib import Path

# Before TensorFlow is imported: its notices about the machine are nothing to act on.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

from benchmarks import machine, report
from tfrecords.terminal import prepare

FOLDER = Path(__file__).parent
# In the order in which they run: what takes longest comes last.
NAMES = (
    "tfrecords",
    "input",
    "trainer",
    "evaluator",
    "serving",
    "edge",
    "start",
    "pipeline",
    "growth",
)


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command line; returns its exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(NAMES)}")
    parser.add_argument("--rounds", type=int, default=3, help="measurements each (%(default)s)")
    parser.add_argument("--images", type=Path, help="folder of photos; default: drawn ones")
    parser.add_argument("--trimaps", type=Path, help="folder of the photos' trimaps")
    parser.add_argument("--output", type=Path, default=FOLDER, help="folder (%(default)s)")
    args = parser.parse_args(argv)
    if args.rounds < 1:
        parser.error(f"--rounds={args.rounds}: measure at least once")
    if (args.images is None) != (args.trimaps is None):
        parser.error("--images and --trimaps go together")
    for name in args.names:
        if name not in NAMES:
            near = difflib.get_close_matches(name, NAMES, n=1, cutoff=0.0)
            parser.error(f"there is no benchmark {name}; did you mean {near[0]}?")
    photos = [args.images, args.trimaps] if args.images else []
    run(args.names or NAMES, args.rounds, args.output, photos)
    return 0


def run(names: Sequence[str], rounds: int, output: Path, photos: Sequence[Path] = ()) -> None:
    """Runs benchmarks and writes each one's figures as soon as they are there.

    Args:
        names: which ones.
        rounds: how often each measures.
        output: folder of `results.json` and `machine.json`, and of what single benchmarks write.
        photos: for `tfrecords`, the folders of photos and of trimaps, if not drawn ones.
    """
    given = {"tfrecords": photos, "pipeline": [output], "growth": [output]}
    results, machines = output / "results.json", output / "machine.json"
    measured: list[report.Figure] = []
    for name in names:
        benchmark = importlib.import_module(f"benchmarks.bench_{name}")
        figures = benchmark.run(rounds, *given.get(name, ()))
        today = machine.Facts(date=datetime.date.today().isoformat(), machine=machine.description())
        measured += figures
        report.write(report.merge(report.read(results) or [], figures), results)
        report.write({**(report.read(machines) or {}), name: today}, machines)
        report.print_table(figures, f"{today['machine']}, {today['date']}")
    if set(names) == set(NAMES):
        report.write(measured, results)  # without what was once measured under other names
    print(f"Written to {results}")


if __name__ == "__main__":
    prepare()
    sys.exit(main())
