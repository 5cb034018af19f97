"""What the controls and the endpoints answer, asked in this process."""

import base64
import csv
import io
import re
from pathlib import Path

import gradio as gr
import numpy as np
import pytest
from PIL import Image

from answers import Answers
from classification import Classification, Model
from images import Picture
from table import table
from tests.apps.gradio.image_classification.conftest import CLASS_NAMES

# A file's name that is none of HTML, of Gradio's templates, nor of CSV.
HOSTILE_FILE = '<i>"a",{{value}} ${alert(1)}\n.png'


@pytest.fixture(scope="module")
def answers(lite_classifier_folder: Path) -> Answers:
    return Answers(Model(lite_classifier_folder))


def painted(path: Path, colour: str) -> str:
    Image.new("RGBA" if colour == "#00000000" else "RGB", (40, 30), colour).save(path)
    return str(path)


@pytest.fixture
def bad(tmp_path: Path) -> str:
    path = tmp_path / "notes.jpg"
    path.write_text("These are no pixels.")
    return str(path)


def test_an_image_is_classified(answers: Answers, tmp_path: Path) -> None:
    image = painted(tmp_path / "a.png", "blue")
    class_name, probabilities, milliseconds = answers.classify(image)
    assert class_name == "blue"
    assert tuple(probabilities) == CLASS_NAMES
    assert sum(probabilities.values()) == pytest.approx(1)
    assert milliseconds > 0


def test_what_is_shown_goes_before_an_image_that_fails(answers: Answers, bad: str) -> None:
    shown = answers.show(bad)
    _, details, bars, remarks = next(shown)
    assert (details.visible, bars, remarks) == (False, None, None)
    told, details, bars, remarks = next(shown)
    assert "The file is not an image that can be read: send a JPEG" in told.value
    assert (details.visible, bars, remarks) == (False, None, None)
    assert len(list(answers.show(None))) == 1


def test_what_of_the_file_is_not_looked_at_is_told(answers: Answers, tmp_path: Path) -> None:
    _, (invitation, details, bars, remarks) = answers.show(painted(tmp_path / "a.png", "#00000000"))
    assert (invitation.visible, details.visible) == (False, True)
    assert tuple(bars) == CLASS_NAMES
    assert "40 x 30 pixels in " in remarks
    assert "The image is transparent in places; it was laid on white." in remarks


def test_an_image_is_asked_for(answers: Answers) -> None:
    with pytest.raises(gr.Error, match="There is no image: send one"):
        answers.classify(None)


def test_one_bad_file_keeps_none_of_the_others_back(
    answers: Answers, tmp_path: Path, bad: str
) -> None:
    sent = [painted(tmp_path / "a.png", "red"), bad, painted(tmp_path / "b.png", "lime")]
    first, second, third = answers.classify_batch(sent)
    assert (first["name"], first["class_name"]) == ("a.png", "red")
    assert tuple(first["probabilities"]) == CLASS_NAMES
    assert second == {"name": "notes.jpg", "error": second["error"]}
    assert second["error"].startswith("The file is not an image that can be read")
    assert (third["name"], third["class_name"]) == ("b.png", "green")


@pytest.mark.parametrize("count", [0, 101])
def test_a_batch_has_its_limits(answers: Answers, bad: str, count: int) -> None:
    told = f"{count} files were chosen: choose 1 to 100 images"
    with pytest.raises(gr.Error, match=told):
        answers.classify_batch([bad] * count)
    assert told in answers.show_all([bad] * count)


def saved(page: str) -> list[dict[str, str]]:
    """The rows of the CSV that a page offers."""
    [encoded] = re.findall(r'download="classes.csv" href="data:text/csv[^,]*,([^"]*)"', page)
    text = base64.b64decode(encoded).decode()
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_the_table_and_its_csv_say_the_same(answers: Answers, tmp_path: Path, bad: str) -> None:
    page = answers.show_all([painted(tmp_path / HOSTILE_FILE, "black"), bad])
    assert not {"<i>", "{{", "${", "<img"} & set(re.findall(r"<i>|\{\{|\$\{|<img", page))
    assert page.count("<tr>") == 3
    rows = saved(page)
    told = rows[0].pop("probability"), rows[1]["error"]
    # Of black, all three opposites are as probable; the first is named.
    assert rows[0] == {"file": HOSTILE_FILE, "class": CLASS_NAMES[3], "error": ""}
    assert float(told[0]) == pytest.approx(1 / 3, abs=1e-3)
    assert (rows[1]["file"], rows[1]["class"]) == ("notes.jpg", "")
    assert told[1].startswith("The file is not an image that can be read")


@pytest.mark.parametrize("first", ["=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff20"])
def test_no_name_is_a_formula_in_a_spreadsheet(first: str) -> None:
    name = f"{first}HYPERLINK(1)"
    picture = Picture(np.zeros((1, 1, 3), np.uint8), ())
    page = table([(name, (picture, Classification({name: 1.0}, name, "", 2.0)))])
    [row] = saved(page)
    assert (row["file"], row["class"], row["probability"]) == (f"'{name}", f"'{name}", "1.0000")
    assert f"<td>{name}</td>" in page  # which is no spreadsheet
