"""Runs every benchmark, prints a table and writes `benchmarks/results.json`.

python -m benchmarks [--rounds N] [--images FOLDER --trimaps FOLDER]
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks import bench_evaluator, bench_tfrecords, bench_trainer, report

RESULTS = Path(__file__).with_name("results.json")


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command line; returns its exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--rounds", type=int, default=3, help="measurements each (%(default)s)")
    parser.add_argument("--images", type=Path, help="folder of photos; default: drawn ones")
    parser.add_argument("--trimaps", type=Path, help="folder of the photos' trimaps")
    parser.add_argument("--output", type=Path, default=RESULTS, help="file (%(default)s)")
    args = parser.parse_args(argv)
    if args.rounds < 1:
        parser.error(f"--rounds={args.rounds}: measure at least once")
    if (args.images is None) != (args.trimaps is None):
        parser.error("--images and --trimaps go together")
    figures = [
        *bench_tfrecords.run(args.rounds, args.images, args.trimaps),
        *bench_trainer.run(args.rounds),
        *bench_evaluator.run(args.rounds),
    ]
    report.write(figures, args.output)
    report.print_table(figures)
    print(f"Written to {args.output}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
