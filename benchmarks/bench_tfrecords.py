"""Time and size of our shards against those of the pipeline this one succeeds.

    python -m benchmarks.bench_tfrecords [--images DIR --trimaps DIR]

The predecessor's format, rewritten from its description: every image and trimap resized to
128 x 128 pixels with `tf.image` and stored as lists of floats, by a script that writes with
`tf.io.TFRecordWriter`. Ours keeps encoded bytes, reduced to the same resolution. Both convert the
same files, in turns, each in a process of its own whose whole life counts, imports included.

Small images in class folders are many files with little in each, and take processor time. The peer
is the script that one writes: it unpacks the archive, and writes each file's bytes, unseen, with
TensorFlow.
"""

from __future__ import annotations

import io
import subprocess
import sys
import tarfile
import tempfile
import time
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from PIL import Image
from rich.console import Console
from rich.progress import track

from benchmarks import processes, report
from tfrecords import command_line
from tfrecords.command_line import add_command, make_app

RESOLUTION = 128  # pixels
_ROOT = Path(__file__).resolve().parents[1]
_PEER = "predecessor: 128 x 128 pixels as float lists"
_DRAWN = 724  # as many as the real photos that the format was first measured with
_SMALL = 5000  # images of 32 x 32 pixels
_CLASSES = 10
_PLAIN = "tarfile and tf.io.TFRecordWriter, nothing checked"


def run(
    rounds: int, images: Path | None = None, trimaps: Path | None = None
) -> list[report.Figure]:
    """Measure both converters, which take turns.

    Args:
        rounds: how often each converter runs.
        images: folder of .jpg photos; drawn ones by default.
        trimaps: folder of their trimaps.

    Returns:
        Photos converted per second, photos held by a megabyte of shards, and the processor time of
        an archive of small images.
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
        _class_folders(rounds),
    ]


def _class_folders(rounds: int) -> report.Figure:
    """Processor seconds of both ways with an archive of small images, which take turns."""
    spent: dict[str, list[float]] = {"ours": [], "peer": []}
    with tempfile.TemporaryDirectory() as folder:
        packed = Path(folder, "images.tar.gz")
        _draw_small(packed)
        commands = {
            "ours": ["-m", "tfrecords.create_tfrecords_class_folders", "--output"],
            "peer": ["-m", "benchmarks.bench_tfrecords", "--write-peer"],
        }
        for turn in track(range(rounds), "class folders", console=Console(stderr=True)):
            for who, command in commands.items():
                output = f"{folder}/{who}-{turn}"
                usage = processes.python(*command, output, "--images", str(packed))
                spent[who].append(usage.cpu_seconds)
    name = f"Class folders to TFRecord, {_SMALL:,} images of 32 px, processor time"
    return report.figure(name, "s", spent["ours"], spent["peer"], _PLAIN)


def _draw_small(packed: Path) -> None:
    """Write noise, no two images alike, as JPEG files in the folders of their classes."""
    random = np.random.default_rng(0)
    with tarfile.open(packed, "w:gz") as tar:
        for number in range(_SMALL):
            noise = random.integers(0, 256, (8, 8, 3), np.uint8)
            jpeg = io.BytesIO()
            Image.fromarray(noise).resize((32, 32)).save(jpeg, "JPEG")
            member = tarfile.TarInfo(f"{number % _CLASSES}/{number:04d}.jpg")
            member.size = jpeg.tell()
            jpeg.seek(0)
            tar.addfile(member, jpeg)


def _process(arguments: list[str]) -> float:
    """Run Python to its end and return the seconds it took."""
    started = time.perf_counter()
    subprocess.run([sys.executable, *arguments], cwd=_ROOT, check=True, capture_output=True)
    return time.perf_counter() - started


def _write_peer(images: Path, trimaps: Path, output: str) -> None:
    """Write the predecessor's format: 4 training shards and 2 of validation, 80 to 20."""
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


def _write_unchecked(packed: Path, output: str) -> None:
    """Write an archive's images as they are, one shard of them."""
    import tensorflow as tf

    with tarfile.open(packed) as tar:
        tar.extractall(output)  # which this benchmark packed
    with tf.io.TFRecordWriter(f"{output}/train-00000-of-00001.tfrecord") as writer:
        for path in sorted(Path(output).glob("*/*.jpg")):
            label = tf.train.Int64List(value=[int(path.parent.name)])
            image = tf.train.BytesList(value=[path.read_bytes()])
            features = {
                "image": tf.train.Feature(bytes_list=image),
                "label": tf.train.Feature(int64_list=label),
            }
            example = tf.train.Example(features=tf.train.Features(feature=features))
            writer.write(example.SerializeToString())


app = make_app("")


@add_command(app, what=__doc__)
def bench(
    rounds: Annotated[int, typer.Option(min=1, help="Measurements each.")] = 3,
    images: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Folder of photos. Default: drawn ones.")
    ] = None,
    trimaps: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Folder of their trimaps.")
    ] = None,
    # A measured process, not a user's.
    write_peer: Annotated[str | None, typer.Option(hidden=True)] = None,
) -> int:
    """Print a table of the figures; return 0."""
    if images and trimaps and write_peer:
        _write_peer(images, trimaps, write_peer)
    elif images and write_peer:
        _write_unchecked(images, write_peer)
    else:
        report.print_table(run(rounds, images, trimaps))
    return 0


if __name__ == "__main__":
    sys.exit(command_line.run(app, "python -m benchmarks.bench_tfrecords"))
