"""The validation examples that a model misses, or does worst, middling and best on, as pictures."""

import dataclasses
import io
import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import tensorflow as tf
from PIL import Image
from tfx.types import Artifact

from components.artifacts.examples import parse, raw_label, records, text, value
from models import preprocessing
from models.config import TrainingConfig
from models.provenance import read_provenance
from models.registry import load_learning, load_task

SCANNED = 1000
_BATCH = 32
_SHOWN_OF_EACH = 3
_SHOWN_MISSED = 6
_SHOWN_TRAINING = 12
_LONGEST_SIDE = 256


@dataclass(frozen=True)
class Shown:
    """One validation example; its pictures are JPEGs, all of one size.

    Attributes:
        name: of the image.
        details: values of the features by which metrics are sliced, and what the task says.
        score: the task's `example_metric` of this example alone.
        pictures: by caption; the first one is the image itself.
        width: of the pictures, pixels.
        height: of the pictures, pixels.
    """

    name: str
    details: list[str]
    score: float
    pictures: dict[str, bytes]
    width: int
    height: int

    @property
    def image(self) -> bytes:
        """The image itself."""
        return next(iter(self.pictures.values()))


@dataclass(frozen=True)
class Samples:
    """The examples that are shown, of those that were scanned.

    Attributes:
        scanned: how many examples of the validation split were looked at.
        groups: the worst, the median and the best ones.
        missed: those of the class that must not be missed, where there is one, that are decided
            for the other; a picture more says what speaks for the class.
    """

    scanned: int
    groups: dict[str, list[Shown]]
    missed: list[Shown]


def load_samples(model_path: str, examples: Artifact, features: Sequence[str]) -> Samples:
    """Run a model on the validation split, at most on its first `SCANNED` examples.

    Args:
        model_path: folder of the SavedModel.
        examples: ImportExampleGen's artifact.
        features: string features that describe an example beside its name.
    """
    model = tf.saved_model.load(model_path)
    config = read_provenance(model_path)
    learning, metric = load_learning(config.task), load_task(config.task).example_metric
    counts = load_learning(config.task).count_specs(config.num_outputs)

    def judge(batch: Sequence[bytes]) -> list[dict[str, np.ndarray]]:
        outputs = model.signatures["from_examples"](examples=tf.constant(batch, tf.string))
        arrays = {name: tensor.numpy() for name, tensor in outputs.items()}
        return [
            {name: array[index] for name, array in arrays.items()} for index in range(len(batch))
        ]

    scores: list[float] = []
    missed: list[int] = []
    scanned = itertools.islice(records(examples, "eval"), SCANNED)
    while batch := list(itertools.islice(scanned, _BATCH)):
        for judged in judge(batch):
            if _is_missed(judged, config):
                missed.append(len(scores))
            sums = {name: judged[name].astype(np.float64) for name in counts if name in judged}
            scores.append(learning.figures(sums, config.class_names)[metric.key])
    groups = _worst_median_best(scores, metric.sign)
    missed = sorted(missed, key=lambda index: metric.sign * scores[index])[:_SHOWN_MISSED]
    wanted = {*missed, *itertools.chain.from_iterable(groups.values())}
    chosen = {
        index: record
        for index, record in enumerate(itertools.islice(records(examples, "eval"), SCANNED))
        if index in wanted
    }
    shown = {
        index: _show(record, judged, scores[index], features, config)
        for (index, record), judged in zip(
            chosen.items(), judge(list(chosen.values())), strict=True
        )
    }
    return Samples(
        scanned=len(scores),
        groups={title: [shown[index] for index in indices] for title, indices in groups.items()},
        missed=[_explain(shown[index], chosen[index], model, config) for index in missed],
    )


def load_training(examples: Artifact, config: TrainingConfig) -> dict[str, bytes]:
    """Show the first training examples with their truth.

    Args:
        examples: ImportExampleGen's artifact.
        config: what was trained.

    Returns:
        JPEGs by the examples' names.
    """
    learning = load_learning(config.task)
    found = {}
    for record in itertools.islice(records(examples, "train"), _SHOWN_TRAINING):
        example = parse(record)
        image = _decode(example)
        picture = Image.fromarray(learning.labelled(image, raw_label(example), config))
        picture.thumbnail((_LONGEST_SIDE, _LONGEST_SIDE))
        found[text(example, "name")] = _jpeg(picture)
    return found


def _is_missed(judged: dict[str, np.ndarray], config: TrainingConfig) -> bool:
    """Tell whether an example of the class that must not be missed is decided for the other."""
    if config.decision is None:
        return False
    positive = config.class_names.index(config.decision.positive_class)
    return bool(judged["confusion_matrix"][positive, 1 - positive])


def _worst_median_best(scores: Sequence[float], sign: int) -> dict[str, list[int]]:
    """Return indices of examples by title; one with nothing to judge by is in none."""
    ascending = np.argsort(sign * np.asarray(scores))
    order = [int(index) for index in ascending if not np.isnan(scores[index])]
    number = min(_SHOWN_OF_EACH, max(1, len(order) // 3))
    middle = (len(order) - number) // 2
    return {
        "Worst": order[:number],
        "Median": order[middle : middle + number],
        "Best": order[len(order) - number :][::-1],
    }


def _show(
    record: bytes,
    judged: dict[str, np.ndarray],
    score: float,
    features: Sequence[str],
    config: TrainingConfig,
) -> Shown:
    example = parse(record)
    image = _decode(example)
    sample = load_learning(config.task).sample(image, raw_label(example), judged, config)
    pictures = {caption: Image.fromarray(pixels) for caption, pixels in sample.pictures.items()}
    for picture in pictures.values():
        picture.thumbnail((_LONGEST_SIDE, _LONGEST_SIDE))
    width, height = next(iter(pictures.values())).size
    return Shown(
        name=text(example, "name"),
        details=[*(text(example, feature) for feature in features), *sample.details],
        score=score,
        pictures={caption: _jpeg(picture) for caption, picture in pictures.items()},
        width=width,
        height=height,
    )


def _explain(shown: Shown, record: bytes, model: tf.Module, config: TrainingConfig) -> Shown:
    """Add a picture of what speaks for the class that was missed."""

    def serve(images: Sequence[bytes]) -> dict[str, np.ndarray]:
        answers = model.signatures["serving_default"](image_bytes=tf.constant(images))
        return {name: tensor.numpy() for name, tensor in answers.items()}

    image = _decode(parse(record))
    picture = Image.fromarray(load_learning(config.task).highlight(image, serve, config))
    picture.thumbnail((_LONGEST_SIDE, _LONGEST_SIDE))
    pictures = {**shown.pictures, "What speaks for it": _jpeg(picture)}
    return dataclasses.replace(shown, pictures=pictures)


def _decode(example: tf.train.Example) -> np.ndarray:
    """Return an example's image, uint8 [height, width, 3]."""
    return preprocessing.decode_image(value(example, preprocessing.IMAGE)).numpy()


def _jpeg(picture: Image.Image) -> bytes:
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=85, subsampling=0)
    return file.getvalue()
