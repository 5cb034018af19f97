"""The model: brought here from where it stays, checked, and called as the Evaluator calls it."""

from __future__ import annotations

import itertools
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from components.data_stores import StoresConfig
from components.digest import model_digest
from models.provenance import read_provenance
from models.registry import load_learning, load_task
from models.task import Classes
from pipeline.data_version import VERSIONS, bring
from pipeline.inference.choice import Chosen
from stores.address import parse
from stores.pull import locked
from tracking import names
from tracking.errors import TrackingError

_MODEL = "saved_model.pb"
_BATCH = 16


class ExportedModel:
    """A SavedModel of the pipeline.

    Attributes:
        config: what was trained.
        task: what it does.
        learning: the task's functions.
        classes: what it tells apart.

    Args:
        folder: of the model.

    Raises:
        TrackingError: it holds no such model.
    """

    def __init__(self, folder: Path) -> None:
        try:
            self.config = read_provenance(str(folder))
            self.task = load_task(self.config.task)
            self._signatures = tf.saved_model.load(str(folder)).signatures
        except (tf.errors.OpError, OSError, ValueError) as error:
            raise _no_model(folder, error) from None
        self.learning = load_learning(self.config.task)
        self.classes = Classes(self.config.class_names)
        self._counts = list(self.learning.count_specs(self.config.num_outputs))

    def judge(self, records: Sequence[bytes]) -> list[dict[str, npt.NDArray[Any]]]:
        """Answer labelled tf.Examples, and return their counts, which the Evaluator reads."""
        told = self._signatures["from_examples"](examples=tf.constant(records, tf.string))
        arrays = {name: tensor.numpy() for name, tensor in told.items()}
        return [
            {name: array[index] for name, array in arrays.items()} for index in range(len(records))
        ]

    def serve(self, image: bytes) -> dict[str, npt.NDArray[Any]]:
        """Return the answer to one image, JPEG or PNG.

        Raises:
            tf.errors.InvalidArgumentError: it is too large, or none.
        """
        told = self._signatures["serving_default"](image_bytes=tf.constant([image], tf.string))
        return {name: tensor.numpy()[0] for name, tensor in told.items()}

    def counts(self, judged: Mapping[str, npt.NDArray[Any]]) -> dict[str, npt.NDArray[np.float64]]:
        """Those of `judge`'s values that are added up."""
        return {name: judged[name].astype(np.float64) for name in self._counts if name in judged}

    def count(self, records: Iterable[bytes]) -> Iterator[dict[str, npt.NDArray[np.float64]]]:
        """Yield the counts of each of some labelled tf.Examples."""
        left = iter(records)
        while batch := list(itertools.islice(left, _BATCH)):
            yield from map(self.counts, self.judge(batch))

    def figures(self, sums: Mapping[str, npt.NDArray[np.float64]]) -> dict[str, float]:
        """Return the task's metrics of sums, by their keys."""
        figures = self.learning.figures(sums, self.config.class_names)
        return {key: float(figures[key]) for key in self.task.measured(self.config.class_names)}


def find_newest(folder: Path) -> Path:
    """Return the SavedModel that a folder is, or the newest of a folder of versions.

    Raises:
        TrackingError: it holds none.
    """
    if (folder / _MODEL).is_file():
        return folder
    found = [path.parent for path in folder.glob(f"*/{_MODEL}") if path.parent.name.isdecimal()]
    if not found:
        raise TrackingError(
            f"{folder} holds no model: name the folder of a SavedModel, or one of versions, as "
            "SERVING_DIR is."
        )
    return max(found, key=lambda path: int(path.name))


def read_task(folder: Path) -> str:
    """Return the task of a SavedModel.

    Raises:
        TrackingError: it is no model of this pipeline.
    """
    try:
        return load_task(read_provenance(str(folder)).task).name
    except (tf.errors.OpError, OSError, ValueError) as error:
        raise _no_model(folder, error) from None


def fetch_model(settings: StoresConfig, chosen: Chosen) -> Path:
    """Bring a model to this machine, unless it is there.

    Args:
        settings: of the stores.
        chosen: whose model it is.

    Returns:
        Its folder.

    Raises:
        ValueError: it cannot be had, or is not the one that was recorded.
    """
    folder = _find(settings, chosen)
    if not (folder / _MODEL).exists():
        raise TrackingError(
            f"{chosen.uri} holds no SavedModel: it was deleted, or is no model; choose another run."
        )
    recorded = chosen.run.tag(names.MODEL_DIGEST)
    if recorded and model_digest(folder) != recorded:
        raise TrackingError(
            f"The model in {folder} is not the one that run {chosen.run.name} recorded: its digest "
            f"differs. It was changed there or on the way; remove {folder} if it is a copy, and do "
            "the same again, or choose another run."
        )
    return folder


def _no_model(folder: Path, error: Exception) -> TrackingError:
    return TrackingError(
        f"{folder} holds no model of this pipeline ({type(error).__name__}); choose another one, "
        "or train again."
    )


def _find(settings: StoresConfig, chosen: Chosen) -> Path:
    uri = chosen.uri
    if uri.startswith(("lakefs://", "s3://")):
        return bring(settings, parse(uri)).folder
    if uri.startswith("gs://"):
        return _copy_from_gcs(uri, chosen.run.tag(names.MODEL_DIGEST) or chosen.run.id)
    folder = Path(uri.removeprefix("file://"))
    if not folder.is_dir():
        raise TrackingError(
            f"The model of {chosen.title} was pushed to {folder} of the machine that trained it, "
            "and there is no such folder here: do this on that machine, or push models to lakeFS, "
            "with LAKEFS_REPOSITORY."
        )
    return folder


def _copy_from_gcs(uri: str, version: str) -> Path:
    """Copy a folder of Cloud Storage once; it appears when it is whole."""
    name = f"gs-{version[:24]}"
    target, partial = VERSIONS / name, VERSIONS / ".partial" / name
    with locked(VERSIONS, name, lambda: None):
        if target.is_dir():
            return target
        shutil.rmtree(partial, ignore_errors=True)
        try:
            for parent, _, files in tf.io.gfile.walk(uri):
                place = partial / os.path.relpath(parent, uri)
                place.mkdir(parents=True, exist_ok=True)
                for file in files:
                    tf.io.gfile.copy(os.path.join(parent, file), str(place / file))
            partial.rename(target)
        except (tf.errors.OpError, OSError) as error:
            raise TrackingError(
                f"{uri} cannot be copied to {target} ({type(error).__name__}): look whether it is "
                "there, whether this machine may read it, and whether the disk has room."
            ) from None
    return target
