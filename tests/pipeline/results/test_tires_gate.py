"""The gate of recipe `tires`: what it takes to bless a model that must not miss a defect."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from tfx.utils import path_utils

from benchmarks.bench_evaluator import evaluate
from models import preprocessing
from models.classification.predictions import judge
from models.config import Thresholds
from models.provenance import PROVENANCE
from pipeline.recipes import load_recipe
from pipeline.results import verdict

RECIPE = load_recipe("tires")
CONFIG = RECIPE.training_config().model_copy(
    update={"thresholds": Thresholds(decide=0.5, review=0.1)}
)
DEFECTIVE, GOOD = 0, 1


class Scored(tf.Module):
    """A model that gives each image the probability of a defect that its example holds."""

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, "examples")])
    def evaluate(self, examples: tf.Tensor) -> dict[str, tf.Tensor]:
        spec = {
            preprocessing.LABEL: tf.io.FixedLenFeature([], tf.int64),
            "probability": tf.io.FixedLenFeature([], tf.float32),
        }
        parsed = tf.io.parse_example(examples, spec)
        own = parsed["probability"]
        logits = tf.math.log(tf.stack([own, 1 - own], axis=1))
        sizes = tf.zeros([tf.shape(own)[0], 2], tf.int64)
        return judge(logits, sizes, parsed[preprocessing.LABEL], CONFIG)


def example(label: int, probability: float) -> bytes:
    features = {
        preprocessing.LABEL: tf.train.Feature(int64_list=tf.train.Int64List(value=[label])),
        "probability": tf.train.Feature(float_list=tf.train.FloatList(value=[probability])),
    }
    return tf.train.Example(features=tf.train.Features(feature=features)).SerializeToString()


@pytest.fixture
def refusals(tmp_path: Path) -> Callable[[list[int], list[float]], list[str]]:
    """Judges labels and probabilities by the Evaluator; returns why it refuses."""

    def judged(labels: list[int], probabilities: list[float]) -> list[str]:
        model = Path(path_utils.serving_model_path(str(tmp_path / "model")))
        module = Scored()
        tf.saved_model.save(module, str(model), {"from_examples": module.evaluate})
        (model / "assets.extra").mkdir()
        (model / "assets.extra" / PROVENANCE).write_text(json.dumps(CONFIG.model_dump(mode="json")))
        shards = tmp_path / "examples" / "Split-eval"
        shards.mkdir(parents=True)
        with tf.io.TFRecordWriter(str(shards / "data-00000-of-00001.gz"), "GZIP") as writer:
            for label, probability in zip(labels, probabilities, strict=True):
                writer.write(example(label, probability))
        output = evaluate(RECIPE, shards.parent, tmp_path / "output", tmp_path / "model", None)
        return verdict.words(str(output / "evaluation"))

    return judged


def scores(defects: int, missed: int, good: int, alarms: int) -> tuple[list[int], list[float]]:
    """Labels and probabilities of a model that misses so many, and cries wolf so often."""
    rng = np.random.default_rng(0)
    found = [rng.uniform(0.6, 1, defects - missed), rng.uniform(0.2, 0.4, missed)]
    passed = [rng.uniform(0.55, 0.6, alarms), rng.uniform(0.01, 0.2, good - alarms)]
    probabilities = np.clip(np.concatenate([*found, *passed]), 0.01, 0.99)
    return [DEFECTIVE] * defects + [GOOD] * good, probabilities.tolist()


def test_enough_defects_of_which_few_are_missed_are_blessed(
    refusals: Callable[..., list[str]],
) -> None:
    assert refusals(*scores(defects=150, missed=5, good=1350, alarms=20)) == []


def test_forty_defects_are_too_few_to_claim_the_recall(
    refusals: Callable[..., list[str]],
) -> None:
    [reason] = refusals(*scores(defects=40, missed=2, good=360, alarms=5))
    assert reason.startswith("defective recall's lower bound 0.851 is below 0.900")
    assert "too few images of defective to claim it: of a recall of 0.950 about " in reason


def test_a_model_of_shuffled_labels_is_refused(refusals: Callable[..., list[str]]) -> None:
    labels, probabilities = scores(defects=150, missed=5, good=1350, alarms=20)
    shuffled = np.random.default_rng(1).permutation(labels).tolist()
    reasons = refusals(shuffled, probabilities)
    assert len(reasons) == len(RECIPE.gate.limits)
    assert {reason.rpartition(" 0.")[0].partition(" 0.")[0] for reason in reasons} == {
        "AUROC",
        "defective precision",
        "defective recall's lower bound",
    }
