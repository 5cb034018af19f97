"""`visionpipe predict` and `pipeline.api`: a model by its folder, images, and no server."""

import csv
import io
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pipeline.__main__ import main
from pipeline.api import load
from tests.serving.tiny_models import TinyClassifier, give_provenance, push, push_tiny
from tfrecords.images import ImageFault

PIXELS = np.random.default_rng(0).integers(0, 255, (30, 20, 3), np.uint8)


@pytest.fixture(scope="module")
def versions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Version 7 says that all is of class 0, and version 12 of class 1."""
    folder = tmp_path_factory.mktemp("versions")
    for answer, version in enumerate((7, 12)):
        give_provenance(push_tiny(folder, version, answer), "scenes")
    return folder


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    (folder / "below").mkdir(parents=True)
    Image.fromarray(PIXELS).save(folder / "one.png")
    Image.fromarray(PIXELS).save(folder / "below" / "two.webp")
    (folder / "none.jpg").write_bytes(b"no photo")
    return folder


def test_masks_and_a_table(versions: Path, photos: Path, tmp_path: Path, capsys) -> None:
    results = tmp_path / "results"
    arguments = ["predict", str(versions), str(photos), "--output", str(results)]
    assert main([*arguments, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["model"] == str(versions / "12") and list(told["failed"]) == ["none.jpg"]
    with (results / "shares.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row.pop("name") for row in rows] == ["below/two.webp", "one.png"]
    for row in rows:
        mask = np.asarray(Image.open(results / row.pop("mask")))
        assert np.array_equal(mask, np.ones((30, 20)))
        assert row == {"share_pet": "0.0", "share_background": "1.0", "share_border": "0.0"}
    assert [one["share_background"] for one in told["images"]] == [1.0, 1.0]

    assert main([*arguments[:1], str(versions / "7"), *arguments[2:]]) == 0
    printed = capsys.readouterr()
    assert (
        printed.out.startswith("Answered by")
        and "2 of 3" in printed.out
        and "none.jpg" in printed.err
    )
    assert np.asarray(Image.open(results / "masks" / "one.png")).max() == 0


@pytest.mark.parametrize(
    ("model", "image", "told"),
    [
        ("none", "one.png", "holds no model: name the folder of a SavedModel"),
        ("", "none.jpg", "None of the images could be used, nothing was written: none.jpg: "),
        ("", "nothing.jpg", "nothing.jpg is no image file"),
    ],
)
def test_what_is_to_be_mended_first(
    versions: Path, photos: Path, tmp_path: Path, capsys, model: str, image: str, told: str
) -> None:
    results = tmp_path / "results"
    arguments = [str(versions / model), str(photos / image), "--output", str(results)]
    assert main(["predict", *arguments]) == 2
    assert told in capsys.readouterr().err
    assert not results.exists()


def test_from_a_program(versions: Path, photos: Path) -> None:
    model = load(versions)
    assert (model.task, model.class_names) == ("segmentation", ("pet", "background", "border"))
    file = io.BytesIO()
    Image.fromarray(PIXELS).save(file, "JPEG")
    for image in (PIXELS, photos / "below" / "two.webp", str(photos / "one.png"), file.getvalue()):
        prediction = model.predict(image)
        assert np.array_equal(prediction.mask, np.ones((30, 20)))
        assert prediction.class_fractions == [0, 1, 0]
    for image in (b"no photo", np.zeros((2, 2)), np.zeros((2, 2, 3))):
        with pytest.raises(ImageFault):
            model.predict(image)
    with pytest.raises(ValueError, match="holds no model"):
        load(photos)


def test_a_classifier(tmp_path: Path) -> None:
    folder = push(tmp_path, 1, TinyClassifier())
    give_provenance(folder, "cifar10")
    prediction = load(tmp_path).predict(PIXELS)
    assert (prediction.label, prediction.class_name, prediction.decision) == (1, "[b]dog", "")
