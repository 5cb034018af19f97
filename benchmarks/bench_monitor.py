"""What `visionpipe monitor` alarms at, with cause and without, and what it costs.

A small network trains on photos of a file. Windows of 200 others of them are logged as the server
logs them: as they are, darkened, blurred, and windows of foreign images of the same size. The peer
alarms where a test of any feature finds p below 0.05: Kolmogorov and Smirnov's of numbers, chi
squared of classes.
"""

import io
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import scipy.stats
from PIL import Image, ImageFilter
from rich.console import Console
from rich.progress import track
from scipy.special import softmax

from benchmarks.bench_classifier import Labelled, fit_network, make_split
from benchmarks.report import Figure, figure
from models.classification.calibration import fit_temperature
from models.classification.predictions import describe_answer
from models.provenance import Provenance, write_provenance
from models.reference.features import measure_image
from models.reference.statistics import Values, summarize, write_reference
from models.task import CONFIDENCE
from monitoring.reading import Reading
from monitoring.state import State
from pipeline.recipes import load_recipe
from tests.monitoring.traffic import Asked, write_log
from tfrecords.drawing import scenes

_WINDOW = 200
_WITHIN = 2  # windows in which drift is to alarm
_CLEAN, _DRIFTED = 100, 20  # windows
_ESTIMATED = 20  # clean windows whose accuracy is estimated together
_HELD_OUT, _REFERENCE = 1000, 200
_EPOCHS = 3
_ALPHA = 0.05
_PEER = f"a test of each feature, p < {_ALPHA}"

Pixels = npt.NDArray[np.uint8]
Change = Callable[[Image.Image], Image.Image]


class Windows(NamedTuple):
    """What came of windows, by their order.

    Attributes:
        ours: whether each alarms.
        peer: whether a test would.
        estimated: accuracy of each, without labels.
        accuracy: of each, by labels.
    """

    ours: list[bool]
    peer: list[bool]
    estimated: list[float]
    accuracy: list[float]


def run(rounds: int, file: Path | None = None) -> list[Figure]:
    """Watches windows of a file's test images, in another order each round.

    Args:
        rounds: how often, each from another seed.
        file: an .npz with the arrays of `Labelled`; None to measure nothing.

    Returns:
        The share of windows that alarm, by what was done to their images, and the error of the
        accuracy that is estimated without labels.
    """
    if file is None:
        print("monitor: pass --labelled FILE, an .npz of images and class ids")
        return []
    with np.load(file) as arrays:
        data = Labelled(*(arrays[name] for name in Labelled._fields))
    watcher = _Watcher(data)
    foreign = np.stack([_draw(number, data.x_test.shape[1]) for number in range(_WITHIN * _WINDOW)])
    streams: dict[str, tuple[Pixels, Change, int, int]] = {
        "clean": (data.x_test, lambda image: image, _CLEAN, 1),
        "darkened to a half": (data.x_test, _darken, _DRIFTED, _WITHIN),
        "blurred by a pixel": (data.x_test, _blur, _DRIFTED, _WITHIN),
        "drawn scenes instead": (foreign, lambda image: image, _WITHIN, _WITHIN),
    }
    alarms: dict[str, list[Windows]] = {what: [] for what in streams}
    for seed in track(range(rounds), "monitor", console=Console(stderr=True)):
        random = np.random.default_rng(seed)
        for what, (images, change, count, _) in streams.items():
            chosen = random.permutation(np.arange(count * _WINDOW) % len(images))
            truths = data.y_test[chosen] if images is data.x_test else chosen * 0
            alarms[what].append(watcher.watch(images[chosen], truths, change))
    print(f"Counting takes {watcher.milliseconds:.2f} ms of processor time an image.")
    figures = [
        figure(
            f"Monitor, {what}, alarms within {within} of {count} windows of {_WINDOW}",
            "%",
            [_share(one.ours, within) for one in alarms[what]],
            [_share(one.peer, within) for one in alarms[what]],
            _PEER,
        )
        for what, (_, _, count, within) in streams.items()
    ]
    truth = [float(np.mean(one.accuracy[:_ESTIMATED])) for one in alarms["clean"]]
    estimated = [float(np.mean(one.estimated[:_ESTIMATED])) for one in alarms["clean"]]
    return [
        *figures,
        figure(
            f"Monitor, accuracy of {_ESTIMATED} clean windows by estimate and by labels",
            "%",
            [100 * one for one in estimated],
            [100 * one for one in truth],
            "true labels",
        ),
    ]


class _Watcher:
    """A trained network with its reference, and what watches it.

    Attributes:
        milliseconds: of processor time that an image of the log takes.
    """

    def __init__(self, data: Labelled) -> None:
        recipe = load_recipe("cifar10").with_overrides({"model": "cnn", "epochs": _EPOCHS})
        self._config = recipe.training_config()
        held_out = np.arange(len(data.x_train)) < _HELD_OUT
        split = make_split(data, held_out)
        self._model, _ = fit_network(self._config, make_split(data, ~held_out), split)
        self._temperature = fit_temperature(
            self._model.predict(data.x_train[held_out].astype(np.float32), verbose=0),
            data.y_train[held_out].astype(np.int32),
        )
        self.milliseconds = 0.0
        some = data.x_train[:_REFERENCE]
        self._inputs, self._answers = self._measure([_encode(one) for one in some], self._ask(some))

    def watch(self, images: Pixels, truths: npt.NDArray[np.integer], change: Change) -> Windows:
        """Log changed images, and read the log."""
        changed = np.stack([np.asarray(change(Image.fromarray(one))) for one in images])
        probabilities, files = self._ask(changed), [_encode(one) for one in changed]
        inputs, answers = self._measure(files, probabilities)
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            (folder / "model").mkdir()
            (folder / "model" / "saved_model.pb").touch()
            provenance = Provenance(**self._config.model_dump())
            write_provenance(str(folder / "model"), provenance)
            reference = summarize("calibration", self._inputs, self._answers)
            write_reference(str(folder / "model"), reference)
            asked = zip(files, truths, probabilities, strict=True)
            write_log(
                folder / "log",
                (Asked(*one, id=str(number), seconds=number) for number, one in enumerate(asked)),
            )
            reading = Reading(folder / "log", folder / "model", "", _WINDOW)
            state = State(model=reading.name)
            began = time.process_time()
            reading.read(state, time.time())
            self.milliseconds = 1000 * (time.process_time() - began) / len(images)
        judged = state.versions[1].closed
        right = probabilities.argmax(axis=1) == truths
        return Windows(
            ours=[bool(one.alarms) for one in judged],
            peer=[self._test(inputs[part], answers[part]) for part in _parts(len(images))],
            estimated=[one.means[CONFIDENCE] for one in judged],
            accuracy=[float(right[part].mean()) for part in _parts(len(images))],
        )

    def _ask(self, images: Pixels) -> npt.NDArray[np.float32]:
        logits = self._model.predict(images.astype(np.float32), batch_size=256, verbose=0)
        return softmax(logits / self._temperature, axis=1)

    def _measure(
        self, files: Sequence[bytes], probabilities: npt.NDArray[np.float32]
    ) -> tuple[list[Values], list[Values]]:
        answers = [
            describe_answer({"label": one.argmax(), "probabilities": one}, self._config)
            for one in probabilities
        ]
        return [measure_image(one) for one in files], list(answers)

    def _test(self, inputs: Sequence[Values], answers: Sequence[Values]) -> bool:
        """Tell whether a test of any feature finds it unlikely that nothing differs."""
        for ours, theirs in ((inputs, self._inputs), (answers, self._answers)):
            for name in ours[0]:
                values, known = [one[name] for one in ours], [one[name] for one in theirs]
                if isinstance(values[0], str):
                    names = sorted({*values, *known})
                    table = [[some.count(one) for one in names] for some in (values, known)]
                    p = scipy.stats.chi2_contingency(table).pvalue
                else:
                    p = scipy.stats.ks_2samp(values, known).pvalue
                if p < _ALPHA:
                    return True
        return False


def _share(alarms: Sequence[bool], within: int) -> float:
    """Of so many windows after each other, the percentage of which one alarms."""
    return 100 * float(np.mean(np.reshape(alarms, (-1, within)).any(axis=1)))


def _parts(images: int) -> list[slice]:
    return [slice(start, start + _WINDOW) for start in range(0, images, _WINDOW)]


def _encode(pixels: Pixels) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def _darken(image: Image.Image) -> Image.Image:
    return image.point(lambda value: value // 2)


def _blur(image: Image.Image) -> Image.Image:
    return image.filter(ImageFilter.GaussianBlur(1))


def _draw(number: int, side: int) -> Pixels:
    with Image.open(io.BytesIO(scenes.draw(0, number).jpeg())) as image:
        return np.asarray(image.convert("RGB").resize((side, side)))
