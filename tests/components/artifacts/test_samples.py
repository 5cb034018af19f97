import io

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from components.artifacts import samples
from components.artifacts.examples import records, value
from tests.conftest import Workplace
from tests.pipeline.report.pages import run_of

PALETTE = ((255, 0, 0), (0, 255, 0), (0, 0, 255))


@pytest.mark.parametrize(
    ("ious", "groups"),
    [
        ([0.1 * n for n in range(11)], [[0, 1, 2], [4, 5, 6], [10, 9, 8]]),
        ([0.3, 0.1, 0.2], [[1], [2], [0]]),
        ([0.5, float("nan"), 0.4, 0.6], [[2], [0], [3]]),
        ([0.5], [[0], [0], [0]]),
        ([float("nan")], [[], [], []]),
    ],
)
def test_worst_median_and_best(ious: list[float], groups: list[list[int]]) -> None:
    assert list(samples._worst_median_best(ious, 1).values()) == groups
    mirrored = [-iou for iou in ious]
    assert list(samples._worst_median_best(mirrored, -1).values()) == groups


def test_figures_are_those_of_what_the_model_serves(hostile: Workplace) -> None:
    run = run_of(hostile)
    examples = run.steps["ImportExampleGen"].outputs["examples"]
    shown = samples.load_samples(run.model_path, examples, ["species"])
    served = served_ious(run.model_path, list(records(examples, "eval")))
    assert shown.scanned == len(served) == 8
    found = {group: [one.score for one in ones] for group, ones in shown.groups.items()}
    ranked = sorted(served)
    assert found["Worst"] == pytest.approx(ranked[:2])
    assert found["Median"] == pytest.approx(ranked[3:5])
    assert found["Best"] == pytest.approx(ranked[:-3:-1])


def test_no_more_than_the_limit_is_scanned(
    hostile: Workplace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(samples, "SCANNED", 5)
    run = run_of(hostile)
    examples = run.steps["ImportExampleGen"].outputs["examples"]
    assert samples.load_samples(run.model_path, examples, []).scanned == 5


def test_pictures_are_of_one_size_and_no_larger_than_is_looked_at(hostile: Workplace) -> None:
    run = run_of(hostile)
    examples = run.steps["ImportExampleGen"].outputs["examples"]
    shown = samples.load_samples(run.model_path, examples, [])
    for sample in shown.groups["Worst"]:
        assert list(sample.pictures) == ["Image", "Truth", "Prediction", "Errors"]
        for encoded in sample.pictures.values():
            assert Image.open(io.BytesIO(encoded)).size == (sample.width, sample.height)
        assert max(sample.width, sample.height) <= 256


def served_ious(model_path: str, examples: list[bytes]) -> list[float]:
    """Each image's mean IoU over its classes, of the mask that `serving_default` returns."""
    parsed = [tf.train.Example.FromString(record) for record in examples]
    serve = tf.saved_model.load(model_path).signatures["serving_default"]
    answer = serve(image_bytes=tf.constant([value(example, "image") for example in parsed]))
    ious = []
    for example, png in zip(parsed, answer["mask_png_bytes"].numpy(), strict=True):
        pngs = (value(example, "label"), png)
        truth, mask = (np.asarray(Image.open(io.BytesIO(encoded))) for encoded in pngs)
        by_class = [
            ((truth == index) & (mask == index)).sum() / ((truth == index) | (mask == index)).sum()
            for index in range(3)
            if ((truth == index) | (mask == index)).any()
        ]
        ious.append(float(np.mean(by_class)))
    return ious
