"""Drawn tires: the same for a seed, one in ten defective, and not told by simple features."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from tfrecords.drawing import tires

IMAGES = 1600


@pytest.fixture(scope="module")
def drawn() -> list[tires.Photo]:
    return [tires.draw(0, index) for index in range(IMAGES)]


def test_a_photo_depends_on_seed_and_number_alone(drawn: list[tires.Photo]) -> None:
    assert tires.draw(0, 5).jpeg() == drawn[5].jpeg()
    assert tires.draw(1, 5).jpeg() != drawn[5].jpeg()
    assert len({photo.name for photo in drawn}) == IMAGES


def test_one_in_ten_is_defective_in_every_stretch(drawn: list[tires.Photo]) -> None:
    defective = np.reshape([photo.label == 0 for photo in drawn], (-1, 10))
    assert (defective.sum(axis=1) == 1).all()
    assert {photo.defect for photo in drawn if photo.label == 0} == set(tires.DEFECTS)
    assert all(not photo.defect for photo in drawn if photo.label == 1)
    assert {photo.view for photo in drawn} == {"tread", "sidewall"}
    assert all(max(photo.image.shape) <= tires.LONG_SIDES[1] for photo in drawn)


def test_brightness_contrast_and_edges_do_not_tell_a_defect(drawn: list[tires.Photo]) -> None:
    def features(photo: tires.Photo) -> list[float]:
        grey = photo.image.mean(axis=2)
        edges = np.hypot(*np.gradient(grey)) > 20
        return [grey.mean(), grey.std(), edges.mean()]

    found = np.array([features(photo) for photo in drawn])
    defective = np.array([photo.label == 0 for photo in drawn])
    half = IMAGES // 2
    model = make_pipeline(StandardScaler(), LogisticRegression(class_weight="balanced"))
    model.fit(found[:half], defective[:half])
    scores = model.predict_proba(found[half:])[:, 1]
    assert roc_auc_score(defective[half:], scores) < 0.75
