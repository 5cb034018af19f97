"""The commands of docs/classification-data.md."""

import importlib
import shlex
import shutil
from pathlib import Path

import pytest

from tests.pages import blocks
from tests.tfrecords.batches import write_batches
from tfrecords import synthetic
from tfrecords.dataset import DatasetInfo, read_info

PAGE = "docs/classification-data.md"


def follow(heading: str, output: str) -> DatasetInfo:
    [text] = [block.text for block in blocks(PAGE, "bash") if block.heading == heading]
    [command] = text.splitlines()
    _, _, module, *arguments = shlex.split(command)
    assert importlib.import_module(module).main(arguments) == 0
    return read_info(output)


def test_class_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synthetic.write_files(str(tmp_path), count=8)
    for number, path in enumerate(sorted((tmp_path / "images").iterdir())):
        folder = tmp_path / "flowers" / ("daisy", "rose")[number % 2]
        folder.mkdir(parents=True, exist_ok=True)
        path.rename(folder / path.name)
    monkeypatch.chdir(tmp_path)
    info = follow("Class folders", "data/flowers")
    assert (info.class_names, info.counts) == (("daisy", "rose"), {"train": 6, "val": 2})


def test_cifar10(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_batches(tmp_path / "raw" / "cifar-10-batches-py")
    shutil.make_archive(str(tmp_path / "cifar-10-python"), "gztar", tmp_path / "raw")
    monkeypatch.chdir(tmp_path)
    info = follow("CIFAR-10", "data/cifar10")
    assert info.counts == {"train": 90, "val": 20, "calibration": 10}
