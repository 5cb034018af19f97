"""Conversions that something stops, and what they leave."""

import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.tfrecords.converting import cli, convert
from tests.warm.commands import python
from tfrecords import create_tfrecords_pets, staging
from tfrecords.dataset import read_info
from tfrecords.shards import verify_shards

ROOT = Path(__file__).resolve().parents[2]


def test_an_output_that_is_a_file(
    raw: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "set").touch()
    assert create_tfrecords_pets.main(cli(raw, tmp_path / "set")) == 2
    assert "choose an output path that is not a file" in capsys.readouterr().err


def test_a_disk_that_is_full(raw: Path, tmp_path: Path, run_module: Callable) -> None:
    """The kernel refuses files above a limit, in the middle of a worker's writing."""
    before = convert(raw, tmp_path / "set")
    done = run_module(
        "tfrecords.create_tfrecords_pets",
        *cli(raw, tmp_path / "set"),
        largest_file=20,
    )
    assert done.returncode == 2
    printed = [line for line in done.stderr.splitlines() if line.strip()]
    assert len(printed) == 1
    assert "file too large; nothing was published, raise the file size limit" in printed[0]
    assert read_info(str(tmp_path / "set")) == before
    assert verify_shards(f"{tmp_path}/set/*.tfrecord") == 24


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGKILL])
def test_stopped_midway_then_run_again(
    tmp_path: Path, sent: signal.Signals, hidden: Callable
) -> None:
    for folder in ("images", "trimaps"):
        (tmp_path / folder).mkdir()
    noise = np.random.default_rng(0).integers(0, 256, (1500, 1500, 3), np.uint8)
    Image.fromarray(noise).save(tmp_path / "images" / "pug_0.jpg")
    Image.new("L", (1500, 1500), 1).save(tmp_path / "trimaps" / "pug_0.png")
    for number in range(1, 100):  # seconds of work
        (tmp_path / "images" / f"pug_{number}.jpg").hardlink_to(tmp_path / "images" / "pug_0.jpg")
        (tmp_path / "trimaps" / f"pug_{number}.png").hardlink_to(tmp_path / "trimaps" / "pug_0.png")
    output = tmp_path / "set"
    command = [python(), "-m", "tfrecords.create_tfrecords_pets", *cli(tmp_path, output)]
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True) as process:
        while not (output / ".staging").exists():
            assert process.poll() is None
            time.sleep(0.05)
        time.sleep(0.3)
        process.send_signal(sent)
        _, printed = process.communicate(timeout=30)
    if sent == signal.SIGINT:
        assert process.returncode == 130
        assert "Stopped; nothing was published." in printed and "Traceback" not in printed
        assert hidden(output) == []
    assert not (output / "dataset.json").exists() and not list(output.glob("*.tfrecord"))
    for number in range(20, 100):
        (tmp_path / "images" / f"pug_{number}.jpg").unlink()
        (tmp_path / "trimaps" / f"pug_{number}.png").unlink()
    convert_again = convert(tmp_path, output, keep_duplicates=True)
    assert convert_again.counts == {"train": 16, "val": 4}
    assert hidden(output) == []


def test_another_writer_is_at_work(
    raw: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with staging.staging(str(tmp_path / "set")):
        assert create_tfrecords_pets.main(cli(raw, tmp_path / "set")) == 2
    assert f"Another process is writing {tmp_path}/set; wait" in capsys.readouterr().err
