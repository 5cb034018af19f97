"""The folder of results: names that lead nowhere, and a place that is filled whole or not."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from models.task import Answer
from pipeline.inference.results import SCORES, put_whole
from tfrecords.errors import DataError

PICTURE = np.zeros((4, 6, 3), np.uint8)


@pytest.mark.parametrize(
    "name",
    ["../../x", "/etc/passwd", "a/../../b", "..", "", "a\0b", "-rf *", "ü" * 400, "a\nb", "."],
)
def test_no_name_leads_elsewhere(tmp_path: Path, name: str) -> None:
    with put_whole(tmp_path / "in" / "results") as results:
        files = results.add(name, Answer(PICTURE, mask=b"mask"))
        results.finish({"image": name})
    written = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert {path.relative_to(tmp_path / "in" / "results").as_posix() for path in written} == {
        *files.values(),
        SCORES,
    }


def test_equal_names_get_files_of_their_own(tmp_path: Path) -> None:
    with put_whole(tmp_path / "results") as results:
        masks = [
            results.add(name, Answer(PICTURE, mask=name.encode()))["mask"]
            for name in ("a/b", "a-b.png", "A-B")
        ]
        results.finish({})
    kept = [(tmp_path / "results" / mask).read_bytes() for mask in masks]
    assert kept == [b"a/b", b"a-b.png", b"A-B"]


def test_answers_that_are_no_pictures_are_a_table(tmp_path: Path) -> None:
    with put_whole(tmp_path / "results") as results:
        results.add("x, y", Answer(PICTURE, row={"class_name": 'a "cat"', "probability": 0.5}))
        results.finish({"figures": {"accuracy": None}})
    with (tmp_path / "results" / "labels.csv").open(newline="") as file:
        [row] = csv.DictReader(file)
    assert row == {"name": "x, y", "class_name": 'a "cat"', "probability": "0.5"}
    assert json.loads((tmp_path / "results" / SCORES).read_text()) == {
        "figures": {"accuracy": None}
    }


def test_what_fails_leaves_the_older_results(tmp_path: Path) -> None:
    output = tmp_path / "results"
    with put_whole(output) as results:
        results.finish({"number": 1})
    with pytest.raises(KeyboardInterrupt), put_whole(output) as results:
        results.add("x", Answer(PICTURE))
        raise KeyboardInterrupt
    assert [path.name for path in tmp_path.rglob("*")] == ["results", SCORES]
    with put_whole(output) as results:
        results.finish({"number": 2})
    assert [path.name for path in tmp_path.rglob("*")] == ["results", SCORES]
    assert json.loads((output / SCORES).read_text()) == {"number": 2}


def test_a_place_of_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "thesis.txt").write_text("years")
    for place in (tmp_path / "work", tmp_path / "work" / "thesis.txt"):
        with pytest.raises(DataError, match="--output"), put_whole(place):
            pass
    place = tmp_path / "work" / "thesis.txt" / "results"
    with pytest.raises(DataError, match="cannot be written"), put_whole(place):
        pass
    assert [path.name for path in tmp_path.rglob("*")] == ["work", "thesis.txt"]
