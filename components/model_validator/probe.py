"""Calls a SavedModel's signatures: a program that has TensorFlow, and nothing of this repository.

python -I probe.py FOLDER

FOLDER holds REQUESTS, and a file of records for each input; VERDICT is written there: why the model
is not to be served, empty when it may be.
"""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

REQUESTS = "requests.json"
VERDICT = "verdict.json"
RECORDS = ".tfrecord"
MASKS = "mask_png_bytes"
LONGEST = 300  # characters of a foreign message that are repeated
_CURE = "export it as models/signatures.py does, of TensorFlow's own operations only"

Arrays = dict[str, np.ndarray]


class Unsound(Exception):
    """Why a model is not to be served, in one sentence."""


def check(folder: Path) -> None:
    """Load the model and call every signature.

    Raises:
        Unsound: one of them does not answer as it must.
    """
    requests = json.loads((folder / REQUESTS).read_text())
    feeds = {path.stem: _records(path) for path in folder.glob(f"*{RECORDS}")}
    try:
        model = tf.saved_model.load(requests["model"])
    except Exception as error:  # TensorFlow raises whatever its many parts happen to
        raise Unsound(
            f"The model cannot be loaded by TensorFlow alone ({_cause(error)}); {_CURE}."
        ) from error
    sizes = np.empty(0)
    for name, promised in requests["signatures"].items():
        outputs = _answer(model, name, promised, feeds)
        if name == "transform_features":
            feeds["pixels"], sizes = outputs["image"][:1], outputs["size"]
        if MASKS in outputs:
            _check_masks(name, outputs[MASKS], sizes, requests["num_classes"])


def _records(path: Path) -> np.ndarray:
    return np.array(list(tf.data.TFRecordDataset(str(path)).as_numpy_iterator()), object)


def _answer(model: Any, name: str, promised: Mapping[str, Any], feeds: Arrays) -> Arrays:
    """Call a signature, and hold what it takes and give against what is promised."""
    signature = model.signatures.get(name)
    if signature is None:
        raise Unsound(f"The model has no signature `{name}`; {_CURE}.")
    key, dtype = promised["input"]
    specs = signature.structured_input_signature[1]
    takes = {name: spec.dtype.name for name, spec in specs.items()}
    if takes != {key: dtype}:
        raise Unsound(f"Signature `{name}` takes {_listed(takes)}, not {key} {dtype}; {_CURE}.")
    try:
        answers = signature(**{key: tf.constant(feeds[key])})
        outputs = {key: answer.numpy() for key, answer in answers.items()}
    except Exception as error:  # as above
        raise Unsound(
            f"Signature `{name}` fails where there is TensorFlow alone ({_cause(error)}); {_CURE}."
        ) from error
    found = {key: _type(answers[key].dtype.name, outputs[key].shape) for key in sorted(outputs)}
    wanted = {key: _type(*promised["outputs"][key]) for key in sorted(promised["outputs"])}
    if found != wanted:
        raise Unsound(f"Signature `{name}` gives {_listed(found)}, not {_listed(wanted)}; {_CURE}.")
    for key, output in outputs.items():
        if output.dtype.kind == "f" and not np.isfinite(output).all():
            raise Unsound(
                f"Signature `{name}` gives values in {key} that are NaN or infinite; train again, "
                "with a lower LEARNING_RATE."
            )
    return outputs


def _check_masks(name: str, masks: np.ndarray, sizes: np.ndarray, num_classes: int) -> None:
    """Check that a mask is a PNG of class ids, and of its image's own size."""
    for content, size in zip(masks, sizes, strict=True):
        try:
            mask = tf.io.decode_png(content).numpy()
        except tf.errors.InvalidArgumentError:
            raise Unsound(f"Signature `{name}` gives no PNG in {MASKS}; {_CURE}.") from None
        wanted = (*size, 1)
        if mask.shape != wanted or mask.max() >= num_classes:
            raise Unsound(
                f"Signature `{name}` gives a mask of {_shape(mask.shape)} with values up to "
                f"{mask.max()} for an image that needs {_shape(wanted)} and class ids below "
                f"{num_classes}; {_CURE}."
            )


def _type(dtype: str, shape: tuple[int, ...]) -> str:
    return f"{dtype} {_shape(shape)}"


def _shape(shape: tuple[int, ...]) -> str:
    return f"[{', '.join(map(str, shape))}]"


def _listed(types: Mapping[str, str]) -> str:
    return ", ".join(f"{name} {type_}" for name, type_ in types.items()) or "nothing"


def _cause(error: Exception) -> str:
    """Return a message's line that says what is wrong, without what a graph's errors begin with."""
    _, _, message = str(error).rpartition("<stack traces unavailable>")
    lines = (line.strip() for line in message.splitlines())
    return next(filter(None, lines), type(error).__name__)[:LONGEST].rstrip(".")


def main(folder: Path) -> None:
    """Write the verdict."""
    reason = ""
    try:
        check(folder)
    except Unsound as error:
        reason = str(error)
    (folder / VERDICT).write_text(json.dumps(reason))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
