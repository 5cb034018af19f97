"""Has a SavedModel's signatures called in a process of its own, and says what came of it."""

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import tensorflow as tf

from components.artifacts import examples as labelled
from components.model_validator import probe
from models import preprocessing
from models.config import TrainingConfig
from models.registry import load_learning
from models.signatures import NETWORK

TIMEOUT = 600.0  # seconds, of which TensorFlow's import takes some
# All that the process sees of this one's environment: no token, and no path to this code.
_ENVIRONMENT = ("LD_LIBRARY_PATH", "PATH", "TMPDIR")


def validate(
    model: Path,
    examples: Sequence[bytes],
    config: TrainingConfig,
    timeout: float = TIMEOUT,
) -> str:
    """Load a SavedModel where there is TensorFlow and none of this code, and call it.

    It is called on the processor: another process may hold an accelerator's memory.

    Args:
        model: local folder of the SavedModel.
        examples: serialized, of the data set, that each signature is called with.
        config: what was trained.
        timeout: seconds after which the process is ended.

    Returns:
        Why the model is not to be served, in a sentence with its cure; empty when it may be.
    """
    if not examples:
        return "The eval split holds no example to call the model with; add images to the data set."
    with tempfile.TemporaryDirectory() as folder:
        workspace = Path(folder)
        write_requests(workspace, model.resolve(), examples, config)
        empty = workspace / "empty"
        empty.mkdir()
        kept = {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ}
        try:
            ended = subprocess.run(
                # -I: neither the current folder, nor the program's, nor PYTHONPATH is searched.
                [sys.executable, "-I", probe.__file__, folder],
                cwd=empty,
                env={**kept, "CUDA_VISIBLE_DEVICES": "-1", "TF_CPP_MIN_LOG_LEVEL": "2"},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
                timeout=timeout,
            )
        except subprocess.TimeoutExpired:
            return (
                f"The model has not answered {len(examples)} examples within {timeout:.0f} s; "
                "train a smaller one, or set a smaller IMAGE_SIZE."
            )
        if ended.returncode:
            return _death(ended.returncode, ended.stdout)
        return json.loads((workspace / probe.VERDICT).read_text())


def write_requests(
    workspace: Path, model: Path, examples: Sequence[bytes], config: TrainingConfig
) -> None:
    """Write what the process reads: the model's place, what to call it with, what is to come.

    Args:
        workspace: folder to write to.
        model: absolute path of the SavedModel.
        examples: as `validate` takes them, like the others.
        config: likewise.
    """
    images = [labelled.value(labelled.parse(example), preprocessing.IMAGE) for example in examples]
    for name, values in {"examples": examples, "image_bytes": images}.items():
        with tf.io.TFRecordWriter(str(workspace / f"{name}{probe.RECORDS}")) as writer:
            for value in values:
                writer.write(value)
    requests = {
        "model": str(model),
        "num_classes": config.num_outputs,
        "signatures": _signatures(len(examples), config),
    }
    (workspace / probe.REQUESTS).write_text(json.dumps(requests))


def _signatures(count: int, config: TrainingConfig) -> dict[str, Any]:
    """Return what `models.signatures` promises: the input's dtype, dtypes and shapes of outputs."""
    learning, size = load_learning(config.task), config.image_size
    label = learning.label_spec(size)
    served, judged = learning.answers(config)
    logits = learning.logits_spec(size, config.num_outputs)
    return {
        "transform_features": {
            "input": ("examples", "string"),
            "outputs": {
                preprocessing.IMAGE: ("float32", [count, size, size, 3]),
                preprocessing.LABEL: (
                    preprocessing.written_type(label).name,
                    [count, *label.shape],
                ),
                preprocessing.SIZE: ("int64", [count, 2]),
            },
        },
        "serving_default": {"input": ("image_bytes", "string"), "outputs": _all(served, count)},
        "from_examples": {"input": ("examples", "string"), "outputs": _all(judged, count)},
        NETWORK: {
            "input": ("pixels", "float32"),
            "outputs": {"logits": (logits.dtype.name, [1, *logits.shape])},
        },
    }


def _all(answers: dict[str, tf.TensorSpec], count: int) -> dict[str, tuple[str, list[int]]]:
    """Dtype and shape of what is answered to so many examples."""
    return {name: (spec.dtype.name, [count, *spec.shape]) for name, spec in answers.items()}


def _death(status: int, printed: str) -> str:
    """Say how the process ended that has left no verdict."""
    if -status == signal.SIGKILL:
        return (
            "The process that calls the model was killed (SIGKILL), as the system does when memory "
            "runs out; give the step more memory, or set a smaller IMAGE_SIZE."
        )
    how = f"signal {signal.Signals(-status).name}" if status < 0 else f"exit code {status}"
    last = next((line.strip() for line in reversed(printed.splitlines()) if line.strip()), "")
    said = f": {last[: probe.LONGEST]}" if last else ""
    return (
        f"The process that calls the model ended with {how}{said}; call the model in a new Python "
        "process with tf.saved_model.load, and export it without what ends that."
    )
