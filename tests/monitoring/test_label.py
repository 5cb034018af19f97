"""`visionpipe label`: true labels that come later."""

import io
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from models.provenance import Provenance, write_provenance
from models.reference.features import measure_image
from models.reference.statistics import summarize, write_reference
from pipeline.recipes import load_recipe
from tests.monitoring.traffic import Asked, ask, provenance, write_log


def write_labels(path: Path, rows: list[tuple[str, str]]) -> Path:
    path.write_text("id,label\n" + "".join(f"{name},{label}\n" for name, label in rows))
    return path


def truths(asked: list[Asked]) -> list[tuple[str, str]]:
    return [(one.id, provenance().class_names[one.truth]) for one in asked]


def test_the_estimate_is_what_labels_show(
    monitored, just_now: float, tmp_path: Path, capsys
) -> None:
    asked = ask(400, 21, start=just_now)
    write_log(tmp_path / "log", asked)
    labels = write_labels(tmp_path / "labels.csv", truths(asked))
    assert monitored("label", [f"--labels={labels}", "--json"])[0] == 0
    [score] = json.loads(capsys.readouterr().out)["scores"]
    right = sum(one.probabilities.argmax() == one.truth for one in asked)
    assert score["images"] == 400 and score["right"] == right
    assert score["figures"]["Accuracy"] == pytest.approx(right / 400)
    assert score["estimated"] / 400 == pytest.approx(right / 400, abs=0.03)
    status, page = monitored()
    assert status == 0 and f"Accuracy {right / 400:.3f}" in page
    gauges = (tmp_path / "output" / "monitor.prom").read_text()
    assert 'labelled_accuracy{model="cifar10",route="stable",version="1"}' in gauges


def test_labels_that_cannot_be_used_are_counted_and_named(
    monitored, tmp_path: Path, capsys
) -> None:
    asked = ask(60, 22)
    write_log(tmp_path / "log", [*asked, *asked[:5]])  # the server answers an id once: so it counts
    rows = truths(asked)
    wrong = [rows[0], (rows[1][0], "frog"), (rows[1][0], "ship"), ("nobody", "cat")]
    others = [(rows[2][0], "pet.png"), (rows[3][0], "12")]
    labels = write_labels(tmp_path / "labels.csv", [*rows[:1], *rows[4:], *wrong, *others])
    assert monitored("label", [f"--labels={labels}"])[0] == 0
    printed = capsys.readouterr()
    assert "Version 1, stable, 57 images: Accuracy" in printed.out
    assert (
        f"1 of the labels are there more than once, and counted once: {rows[0][0]}" in printed.err
    )
    assert f"1 of the labels have labels that differ: {rows[1][0]}" in printed.err
    assert "1 of the labels are not in the log: nobody" in printed.err
    assert "2 of the labels are no labels of this model" in printed.err
    assert "'pet.png' is none of airplane" in printed.err and "the label is 12" in printed.err


def test_labels_tell_two_routes_apart(monitored, tmp_path: Path, capsys) -> None:
    stable = ask(120, 23, sure=20)
    canary = ask(120, 24, sure=1, version=2, route="canary")
    write_log(tmp_path / "log", stable + canary)
    labels = write_labels(tmp_path / "labels.csv", truths(stable + canary))
    assert monitored("label", [f"--labels={labels}"])[0] == 0
    said = "canary (version 2) is right less often than stable (version 1), by true labels"
    assert said in capsys.readouterr().out


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("name,class\na,b\n", "has no columns id and label"),
        ("id,label\nx,cat\n", "1 of the labels are not in the log: x"),
        ("id,label\n", "has no label"),
        (b"\xff\xfe\x00", "no CSV file in UTF-8"),
        (None, "cannot be read (No such file"),
    ],
)
def test_a_file_that_is_of_no_use_is_told(
    monitored, tmp_path: Path, capsys, content: str | bytes | None, said: str
) -> None:
    write_log(tmp_path / "log", ask(3, 25))
    labels = tmp_path / "labels.csv"
    if content is not None:
        labels.write_bytes(content.encode() if isinstance(content, str) else content)
    assert monitored("label", [f"--labels={labels}"])[0] == 2
    assert said in capsys.readouterr().err
    assert not (tmp_path / "output" / "labels.json").exists()


def test_masks_are_scored_by_masks(monitored, tmp_path: Path, capsys) -> None:
    def encode(pixels: np.ndarray) -> bytes:
        file = io.BytesIO()
        Image.fromarray(pixels).save(file, "PNG")
        return file.getvalue()

    told = Provenance(**load_recipe("scenes").training_config().model_dump())
    model = tmp_path / "masks" / "1"
    model.mkdir(parents=True)
    (model / "saved_model.pb").touch()
    write_provenance(str(model), told)
    image, mask = encode(np.zeros((4, 6, 3), np.uint8)), np.zeros((4, 6), np.uint8)
    shares = {f"share of {name}": 1 / 3 for name in told.class_names}
    write_reference(str(model), summarize("eval", [measure_image(image)], [shares]))
    outputs = {
        "mask_png_bytes": encode(mask),
        "class_fractions": np.array([1, 0, 0], np.float32),
    }
    asked = [
        Asked(image, 0, np.zeros(1), id=f"a-{number}", model="scenes", outputs=outputs)
        for number in range(3)
    ]
    write_log(tmp_path / "log", asked)
    (tmp_path / "half.png").write_bytes(
        encode(np.repeat([[0, 1]], 3, axis=1).repeat(4, axis=0).astype(np.uint8))
    )
    (tmp_path / "small.png").write_bytes(encode(mask[:2]))
    rows = [("a-0", "half.png"), ("a-1", "small.png"), ("a-2", "gone.png")]
    labels = write_labels(tmp_path / "labels.csv", rows)
    assert monitored("label", [f"--labels={labels}"], model=tmp_path / "masks")[0] == 0
    printed = capsys.readouterr()
    assert "1 images: Mean IoU 0.250" in printed.out and "Pixel accuracy 0.500" in printed.out
    assert "2 of the labels are no labels of this model: a-1:" in printed.err
    assert "'gone.png' cannot be read" in printed.err


def test_a_log_of_another_model_is_refused(monitored, tmp_path: Path, capsys) -> None:
    asked = ask(3, 26, model="cats")
    write_log(tmp_path / "log", asked)
    labels = write_labels(tmp_path / "labels.csv", truths(asked))
    assert monitored("label", [f"--labels={labels}"])[0] == 2
    assert "is of cats, and not of cifar10" in capsys.readouterr().err
    asked[0].image = b"no image"
    write_log(tmp_path / "log", asked)
    assert monitored("label", [f"--labels={labels}", "--name=cats"])[0] == 0
    assert f"{asked[0].id}: The image cannot be read" in capsys.readouterr().err
