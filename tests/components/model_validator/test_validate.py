"""Models that TensorFlow alone can call, and such as only this process can."""

import os
import signal
import threading
import time
from pathlib import Path

import numpy as np
import psutil
import pytest
import tensorflow as tf

from components.model_validator.validate import validate
from tests.components.model_validator.small_models import LOGITS, export, network
from tests.models.drawn_pets import IMAGE_SIZE
from tests.models.small_model import CONFIG


def reason(model: Path, examples: list[bytes], **limits: float) -> str:
    return validate(model, examples, CONFIG, **limits)


def test_a_sound_model_passes_whatever_the_environment(
    saved_model: Path, examples: list[bytes], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "tensorflow.py").write_text("raise RuntimeError('found')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    assert reason(saved_model, examples) == ""


@pytest.mark.usefixtures("forked")
def test_what_only_this_process_can_call(examples: list[bytes], tmp_path: Path) -> None:
    """A tf.py_function is answered where it was made, and nowhere else."""

    def own(pixels: tf.Tensor) -> tf.Tensor:
        answer = tf.py_function(lambda _: np.zeros(LOGITS, np.float32), [pixels], tf.float32)
        return tf.ensure_shape(answer, LOGITS)

    made = network(own)
    model = export(tmp_path / "model", network=made)
    here = tf.saved_model.load(str(model)).signatures["network"]
    pixels = tf.zeros([1, IMAGE_SIZE, IMAGE_SIZE, 3])
    assert here(pixels=pixels)["logits"].shape == LOGITS
    assert reason(model, examples) == (
        "Signature `network` fails where there is TensorFlow alone (ValueError: Could not find "
        "callback with key=pyfunc_0 in the registry); export it as models/signatures.py does, of "
        "TensorFlow's own operations only."
    )


@pytest.mark.usefixtures("forked")
def test_an_operation_that_tensorflow_does_not_have(examples: list[bytes], tmp_path: Path) -> None:
    model = export(tmp_path / "model")
    graph = model / "saved_model.pb"
    graph.write_bytes(graph.read_bytes().replace(b"EncodePng", b"EncodeOwn"))
    found = reason(model, examples)
    assert found.startswith("The model cannot be loaded by TensorFlow alone (")
    assert "EncodeOwn" in found


def test_a_model_that_never_answers(examples: list[bytes], tmp_path: Path) -> None:
    def endless(pixels: tf.Tensor) -> tf.Tensor:
        return tf.while_loop(lambda x: tf.constant(True), lambda x: [x + 1], [tf.zeros(LOGITS)])[0]

    model = export(tmp_path / "model", network=network(endless))
    assert reason(model, examples, timeout=1) == (
        "The model has not answered 3 examples within 1 s; train a smaller one, or set a smaller "
        "IMAGE_SIZE."
    )


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (signal.SIGKILL, "was killed (SIGKILL), as the system does when memory runs out; give"),
        (signal.SIGABRT, "ended with signal SIGABRT"),
    ],
)
def test_a_process_that_is_killed(
    saved_model: Path, examples: list[bytes], number: signal.Signals, expected: str
) -> None:
    found: list[str] = []
    waiting = threading.Thread(target=lambda: found.append(reason(saved_model, examples)))
    waiting.start()
    while not (probes := [child for child in psutil.Process().children() if is_probe(child)]):
        time.sleep(0.01)
    os.kill(probes[0].pid, number)
    waiting.join()
    assert expected in found[0]


def is_probe(process: psutil.Process) -> bool:
    return any(part.endswith("probe.py") for part in process.cmdline())


def test_a_python_without_tensorflow(
    saved_model: Path, examples: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    python = Path(f"/proc/{os.getpid()}/exe").resolve()  # that of no environment
    monkeypatch.setattr("sys.executable", str(python))
    found = reason(saved_model, examples)
    assert "ended with exit code 1: ModuleNotFoundError: No module named" in found


def test_no_examples(saved_model: Path) -> None:
    assert reason(saved_model, []).startswith("The eval split holds no example")
