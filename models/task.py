"""What makes a task: what is measured, and which module learns it.

It imports neither TensorFlow nor TFX, so that settings, gates and pages can be looked at without
them. `models.registry` has the tasks by name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol

if TYPE_CHECKING:
    import keras
    import numpy as np
    import numpy.typing as npt
    import tensorflow as tf

    from models.config import Thresholds, TrainingConfig


LabelType = Literal["bytes", "int", "float"]
CONFIDENCE = "confidence"  # the key of `Learning.describe_answer`


@dataclass(frozen=True)
class Metric:
    """A figure that a task measures.

    Attributes:
        key: its name in every file.
        title: its name for people.
        per_class: whether there is one of every class, such as `iou_border` of the key `iou`.
        better: which of two values is the better one.
        headline: whether it sums a model up, on the first lines of every page.
        bounds: key of the metric of which it is the lower bound, so that few examples are not
            enough to reach it; empty for one that is none.
    """

    key: str
    title: str
    per_class: bool = False
    better: Literal["higher", "lower"] = "higher"
    headline: bool = False
    bounds: str = ""

    @property
    def sign(self) -> int:
        """1 where the higher of two values is the better one, -1 where the lower one is."""
        return 1 if self.better == "higher" else -1

    @property
    def worse(self) -> str:
        """Where a worse value lies, for a sentence."""
        return "below" if self.sign > 0 else "above"

    @property
    def words(self) -> str:
        """The title inside a sentence."""
        first_word = self.title.split()[0]
        is_a_name = any(letter.isupper() for letter in first_word[1:])  # IoU, AUROC
        return self.title if is_a_name else self.title[0].lower() + self.title[1:]


class Measured(NamedTuple):
    """A metric of all examples together, or of those of one class.

    Attributes:
        metric: what is measured.
        of_class: name of the class; empty for all together.
    """

    metric: Metric
    of_class: str = ""

    @property
    def title(self) -> str:
        """For a table: `Mean IoU`; `IoU, border`."""
        return f"{self.metric.title}, {self.of_class}" if self.of_class else self.metric.title

    @property
    def row(self) -> str:
        """For a row in the terminal: `mean IoU`; `IoU, border`."""
        return self.title if self.of_class else self.words

    @property
    def words(self) -> str:
        """For a sentence: `mean IoU`; `border IoU`."""
        return f"{self.of_class} {self.metric.words}" if self.of_class else self.metric.words

    def tell_miss(self, value: float, limit: float) -> str:
        """Say that a value misses its limit: `border IoU 0.310 is below 0.350`."""
        return f"{self.words} {value:.3f} is {self.metric.worse} {limit:.3f}"


def margin(value: float, limit: float, sign: int) -> float:
    """By how much a value is better than a limit, as a metric of that sign is better.

    The limit is met where it is 0 or more. NaN, which is no value, meets none.
    """
    return sign * (value - limit)


@dataclass(frozen=True)
class Task:
    """What differs between kinds of models, by name.

    Attributes:
        name: as recipes name it.
        hub_task: what the Hugging Face Hub calls it.
        tags: further tags of a model on the Hub.
        primary: key of the metric that a training monitors, a search maximises and slices are
            ordered by. It is one of all classes together.
        metrics: all that is measured, in the order of every table.
        unit: what is counted, in the plural.
        label_type: what the feature `label` of an example holds: `bytes`, `int` or `float`.
        learning: name of the module that implements `Learning`.
        architectures: modules of networks by the name that MODEL takes; see `models.registry`.
        app: folder below apps/gradio of its demo; empty for none.
        sampled_by: key of the metric that orders single examples; empty for the primary one.
        calibrates: whether its `Learning` has `fit_temperature`, and what a threshold needs.
        draws_classes: whether answers are pictures, in the colours of the recipe's palette.
    """

    name: str
    hub_task: str
    primary: str
    metrics: tuple[Metric, ...]
    unit: str
    label_type: LabelType
    learning: str
    architectures: Mapping[str, str]
    tags: tuple[str, ...] = ()
    app: str = ""
    sampled_by: str = ""
    calibrates: bool = False
    draws_classes: bool = False

    @property
    def primary_metric(self) -> Metric:
        """The metric of the key `primary`."""
        return next(metric for metric in self.metrics if metric.key == self.primary)

    @property
    def example_metric(self) -> Metric:
        """The one by which single examples are the worst and the best."""
        key = self.sampled_by or self.primary
        return next(metric for metric in self.metrics if metric.key == key)

    @property
    def class_metrics(self) -> tuple[Metric, ...]:
        """Those of which there is one of every class."""
        return tuple(metric for metric in self.metrics if metric.per_class)

    def measured(self, class_names: Sequence[str]) -> dict[str, Measured]:
        """All figures by their keys: first those of all classes, then class by class.

        Args:
            class_names: names by class id; empty for a task without classes.
        """
        overall = {metric.key: Measured(metric) for metric in self.metrics if not metric.per_class}
        return overall | {
            class_key(metric.key, name): Measured(metric, name)
            for metric in self.class_metrics
            for name in class_names
        }

    def headline(self, class_names: Sequence[str]) -> dict[str, Measured]:
        """Those of `measured` that sum a model up."""
        measured = self.measured(class_names)
        return {key: one for key, one in measured.items() if one.metric.headline}

    def key_figures(self, class_names: Sequence[str]) -> dict[str, Measured]:
        """Return the shortest summary: the primary metric, and each class's `headline` metrics."""
        headline = self.headline(class_names)
        return {key: one for key, one in headline.items() if one.of_class or key == self.primary}


def class_key(key: str, class_name: str) -> str:
    """Return a metric's key of one class: `iou_border`."""
    return f"{key}_{class_name}"


class Sample(NamedTuple):
    """An example as people are shown it.

    Attributes:
        pictures: uint8 [height, width, 3] RGB by caption, all of one size.
        details: what is said of it beside its score.
    """

    pictures: dict[str, npt.NDArray[np.uint8]]
    details: list[str]


class Answer(NamedTuple):
    """What is kept of a model's answer to an image.

    Attributes:
        overlay: uint8 [height, width, 3] RGB, the image with the answer on it.
        mask: PNG of class ids, where answers are masks; empty where they are not.
        row: of a table, by its columns; empty where there is no more to say than the mask does.
    """

    overlay: npt.NDArray[np.uint8]
    mask: bytes = b""
    row: Mapping[str, str | float] = MappingProxyType({})


class Encoder(Protocol):
    """A module of models/backbones: a network's first half, which knows no task.

    Attributes:
        STRIDES: of its feature maps, ascending; an input's side is a multiple of the last.
    """

    STRIDES: tuple[int, ...]

    def check(self, encoder_weights: str) -> None:
        """Raise ValueError if the weights, or a package that it needs, are not there."""

    def features(
        self, image_size: int, encoder_weights: str
    ) -> tuple[keras.KerasTensor, dict[int, keras.KerasTensor]]:
        """Begin a network: its input, and the feature maps of its layer `encoder` by stride.

        Args:
            image_size: S.
            encoder_weights: `imagenet`, `none`, or the path of weights.

        Returns:
            The input, float32 [N, S, S, 3] in 0..255, which it scales as the weights expect.

        Raises:
            ValueError: the weights cannot be had or do not fit.
        """


class Classes(NamedTuple):
    """What labels may hold.

    Attributes:
        names: by class id; empty for a task without classes.
        ignored: the label of what is of no class; None where everything is of one.
    """

    names: tuple[str, ...]
    ignored: int | None = None


class Learning(Protocol):
    """What a task's module has: functions that share code calls in the task's place.

    N counts the examples of a batch, S is the side of the network's input, C the number of classes.
    Whatever is done to labels or logits is done in a graph, of TensorFlow's own operations.
    """

    def decode_label(self, raw: tf.Tensor) -> tf.Tensor:
        """Return an example's label, as it lies in the record, at its own size.

        Raises:
            tf.errors.InvalidArgumentError: it is none.
        """

    def label_spec(self, image_size: int) -> tf.TensorSpec:
        """Shape and dtype of the label that one example trains with."""

    def logits_spec(self, image_size: int, num_outputs: int) -> tf.TensorSpec:
        """Shape and dtype of the logits that a network gives for one example."""

    def resize_label(self, label: tf.Tensor, image_size: int) -> tf.Tensor:
        """Return a decoded label at the network's size."""

    def describe_label(self, raw: tf.Tensor) -> dict[str, tf.Tensor]:
        """Return what `find_fault` judges of a label, in a graph that reads every record.

        Raises:
            tf.errors.InvalidArgumentError: it cannot be decoded.
        """

    def find_fault(
        self, label: Mapping[str, Any], image_size: npt.NDArray[np.int32], classes: Classes
    ) -> str:
        """Return what is wrong with a label, in words with the cure; empty if nothing is.

        Args:
            label: `describe_label`'s values, as NumPy has them.
            image_size: height and width of the image.
            classes: the recipe's.
        """

    def find_classes(self, label: Mapping[str, Any]) -> set[int]:
        """Ids of the classes that occur in a label, of `describe_label`'s values."""

    def augment(
        self, images: tf.Tensor, labels: tf.Tensor, seed: tf.Tensor, magnitude: float
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Change images, float32 [N, S, S, 3] in 0..255, and labels alike, as the seed says."""

    def loss(self, config: TrainingConfig) -> keras.losses.Loss:
        """Return what a training minimises, of labels and logits."""

    def fit_temperature(self, logits: npt.NDArray[np.float32], labels: npt.NDArray[Any]) -> float:
        """Return what logits are divided by, so that confidence means accuracy.

        Only of a task that `calibrates`, as `fit_thresholds`.

        Args:
            logits: [N, …], of a split that neither trains nor judges.
            labels: as the task trains with them, [N, …].
        """

    def fit_thresholds(
        self, logits: npt.NDArray[np.float32], labels: npt.NDArray[Any], config: TrainingConfig
    ) -> Thresholds:
        """Return what `config.decision` asks for.

        Args:
            logits: [N, …], divided by the temperature, of the same split.
            labels: as above.
            config: what was trained.

        Raises:
            ValueError: the split has nothing to choose thresholds by.
        """

    def metric(self, num_outputs: int) -> keras.metrics.Metric:
        """Return the primary metric, by its key, of labels and logits at the network's size."""

    def serve(
        self, logits: tf.Tensor, sizes: tf.Tensor, config: TrainingConfig
    ) -> dict[str, tf.Tensor]:
        """Return what `serving_default` answers.

        Args:
            logits: the network's, float32 [N, …].
            sizes: of the images, int64 [N, 2], height and width.
            config: what was trained.
        """

    def judge(
        self, logits: tf.Tensor, sizes: tf.Tensor, raw: tf.Tensor, config: TrainingConfig
    ) -> dict[str, tf.Tensor]:
        """Return what `from_examples` answers: each example's prediction, and its counts.

        Args:
            logits: as in `serve`, like `sizes` and `config`.
            sizes: likewise.
            raw: the labels as they lie in the records, [N].
            config: likewise.
        """

    def answers(
        self, config: TrainingConfig
    ) -> tuple[dict[str, tf.TensorSpec], dict[str, tf.TensorSpec]]:
        """Shapes and dtypes of what `serve` and `judge` give for one example."""

    def describe_answer(
        self, told: Mapping[str, Any], config: TrainingConfig
    ) -> Mapping[str, float | str]:
        """Return what of an answer is compared over time, number by number and name by name.

        Args:
            told: `serve`'s values of one image, as NumPy has them.
            config: what was trained.

        Returns:
            The same keys for each answer. Of a task that `calibrates`, `CONFIDENCE` is among them:
            the probability that the answer is right.
        """

    def count_specs(self, num_outputs: int) -> dict[str, tf.TensorSpec]:
        """Those of `judge`'s that are counts, float32, which are added up over examples."""

    def figures(
        self, sums: Mapping[str, npt.NDArray[np.float64]], class_names: Sequence[str]
    ) -> dict[str, Any]:
        """Every metric by its key, of the counts' sums.

        NaN stands for what there is nothing to judge by. What is an array is kept beside the
        metrics, and shown where it is `confusion_matrix`, [C, C]; `reliability`, [bins, 3]:
        number of examples, sum of their confidences, and how many of them are right; or `scores`,
        [2, bins, 2]: by class and bin of its log-odds, how many examples are not, and are, of it.
        """

    def edge_head(
        self, image_size: int, num_outputs: int
    ) -> tuple[str, tf.types.experimental.ConcreteFunction]:
        """Name of the edge model's answer, and what makes it, in LiteRT's operations.

        It takes `logits` of one example and, where it needs them, its pixels as `image`: uint8
        [1, H, W, 3].
        """

    def edge_answer(
        self, answer: tf.Tensor, size: tf.Tensor, config: TrainingConfig
    ) -> dict[str, tf.Tensor]:
        """Answer as `serve` does for an image of a size, int64 [2], by the edge model's answer."""

    def edge_counter(
        self, config: TrainingConfig
    ) -> Callable[[tf.Tensor, npt.NDArray[Any]], dict[str, npt.NDArray[np.float64]]]:
        """Count a decoded label and the edge model's answer, for `figures`."""

    def labelled(
        self, image: npt.NDArray[np.uint8], raw: Any, config: TrainingConfig
    ) -> npt.NDArray[np.uint8]:
        """Show an example, uint8 [height, width, 3], with its truth.

        Args:
            image: decoded, RGB.
            raw: the label as it lies in the record.
            config: what was trained.
        """

    def sample(
        self,
        image: npt.NDArray[np.uint8],
        raw: Any,
        judged: Mapping[str, Any],
        config: TrainingConfig,
    ) -> Sample:
        """Show an example, uint8 [height, width, 3], with its truth and its prediction.

        Args:
            image: decoded, RGB.
            raw: the label as it lies in the record.
            judged: `judge`'s values of it.
            config: what was trained.
        """

    def highlight(
        self,
        image: npt.NDArray[np.uint8],
        serve: Callable[[Sequence[bytes]], Mapping[str, npt.NDArray[np.float32]]],
        config: TrainingConfig,
    ) -> npt.NDArray[np.uint8]:
        """Colours what speaks for the class of `config.decision`; of a task that `calibrates`.

        Args:
            image: uint8 [height, width, 3], RGB.
            serve: `serving_default`, of PNG bytes.
            config: what was trained.
        """

    def answer(
        self, image: npt.NDArray[np.uint8], told: Mapping[str, Any], config: TrainingConfig
    ) -> Answer:
        """Return what is kept of the answer to an image, uint8 [height, width, 3].

        Args:
            image: decoded, RGB.
            told: `serve`'s or `judge`'s values of it.
            config: what was trained.
        """
