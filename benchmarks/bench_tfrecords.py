"""Time and size of our shards against those of the pipeline this one succeeds.

    python -m benchmarks.bench_tfrecords [--images DIR --trimaps DIR]

The predecessor's format, written anew from its description: every image and trimap resized to
128 x 128 pixels with `tf.image` and stored as lists of floats, by a script that writes with
`tf.io.TFRecordWriter`. Ours keeps encoded bytes, reduced to the same resolution. Both convert the
same files, in turns, each in a process of its own whose whole life counts, imports included.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from rich.console import Console
from rich.progress import track

from benchmarks import report

RESOLUTION = 128  # pixels
_ROOT = Path(__file__).resolve().parents[1]
_PEER = "predecessor: 128 x 128 pixels as float lists"
_DRAWN = 724  # as many as the real photos that the format was first measured with


def run(
    rounds: int, images: Path | None = None, trimaps: Path | None = None
) -> list[report.Figure]:
    """Measures both converters, which take turns.

    Args:
        rounds: how often each converter runs.
        images: folder of .jpg photos; drawn ones by default.
        trimaps: folder of their trimaps.

    Returns:
        Photos converted per second, and photos held by a megabyte of shards.
    """
    speed: dict[str, list[float]] = {"ours": [], "peer": []}
    density: dict[str, list[float]] = {"ours": [], "peer": []}
    with tempfile.TemporaryDirectory() as folder:
        if images is None or trimaps is None:
            command = ["-m", "tfrecords.synthetic", "--as-files", "--output", folder]
            _process([*command, "--train", str(_DRAWN - 1), "--val", "1"])
            images, trimaps = Path(folder, "images"), Path(folder, "trimaps")
        photos = len(list(images.glob("*.jpg")))
        files = ["--images", str(images.resolve()), "--trimaps", str(trimaps.resolve())]
        reduced = ["--max-side", str(RESOLUTION)]
        commands = {
            "ours": ["-m", "tfrecords.create_tfrecords_pets", *files, *reduced, "--output"],
            "peer": ["-m", "benchmarks.bench_tfrecords", *files, "--write-peer"],
        }
        for turn in track(range(rounds), "tfrecords", console=Console(stderr=True)):
            for who, command in commands.items():
                output = Path(folder) / f"{who}-{turn}"
                seconds = _process([*command, str(output)])
                size = sum(path.stat().st_size for path in output.glob("*.tfrecord"))
                speed[who].append(photos / seconds)
                density[who].append(photos / size * 1e6)
    return [
        report.figure("Photos to TFRecord", "images/s", speed["ours"], speed["peer"], _PEER),
        report.figure("TFRecord size", "images/MB", density["ours"], density["peer"], _PEER),
    ]


def _process(arguments: list[str]) -> float:
    """Runs Python to its end and returns the seconds it took."""
    started = time.perf_counter()
    subprocess.run([sys.executable, *arguments], cwd=_ROOT, check=True, capture_output=True)
    return time.perf_counter() - started


def _write_peer(images: Path, trimaps: Path, output: str) -> None:
    """Writes the predecessor's format: 4 training shards and 2 of validation, 80 to 20."""
    import tensorflow as tf

    names = sorted(path.name for path in images.glob("*.jpg"))
    bound = len(names) * 4 // 5
    Path(output).mkdir()
    for split, members, shards in (("train", names[:bound], 4), ("val", names[bound:], 2)):
        for shard in range(shards):
            path = f"{output}/{split}-{shard:05d}-of-{shards:05d}.tfrecord"
            with tf.io.TFRecordWriter(path) as writer:
                for name in members[shard::shards]:
                    image = tf.io.decode_jpeg(tf.io.read_file(f"{images}/{name}"), channels=3)
                    trimap = tf.io.read_file(f"{trimaps}/{Path(name).stem}.png")
                    features = {}
                    for key, pixels in (
                        ("image", image),
                        ("label", tf.io.decode_png(trimap, channels=1) - 1),
                    ):
                        resized = tf.image.resize(pixels, (RESOLUTION, RESOLUTION))
                        floats = tf.train.FloatList(value=resized.numpy().ravel())
                        sides = tf.train.Int64List(value=resized.shape)
                        features[key] = tf.train.Feature(float_list=floats)
                        features[f"{key}_shape"] = tf.train.Feature(int64_list=sides)
                    example = tf.train.Example(features=tf.train.Features(feature=features))
                    writer.write(example.SerializeToString())


def main() -> None:
    """Prints a table of the figures."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.bench_tfrecords")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--images", type=Path, help="folder of photos; drawn ones by default")
    parser.add_argument("--trimaps", type=Path, help="folder of their trimaps")
    parser.add_argument("--write-peer", help=argparse.SUPPRESS)  # a measured process, not a user's
    args = parser.parse_args()
    if args.write_peer:
        _write_peer(args.images, args.trimaps, args.write_peer)
    else:
        report.print_table(run(args.rounds, args.images, args.trimaps))


if __name__ == "__main__":
    main()
