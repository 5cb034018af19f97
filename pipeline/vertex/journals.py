"""Journals of runs below a PIPELINE_ROOT that may be in Cloud Storage.

TensorFlow reads and writes there as the steps do.
"""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import tensorflow as tf

from tracking.journal import EVENTS, FOLDER, Journal, journal_of


def keep(journal: Journal, root: str) -> None:
    """Copy a journal that was not sent; its events come last, for with them it is one."""
    target = os.path.join(root, FOLDER, journal.folder.name)
    copy_folder(str(journal.artifacts), os.path.join(target, journal.artifacts.name))
    _copy(str(journal.folder / EVENTS), os.path.join(target, EVENTS))


@contextmanager
def brought(root: str) -> Iterator[Path]:
    """Copy what waits to a folder here; what is complete at the end is dropped there."""
    with tempfile.TemporaryDirectory() as name:
        folder, names = Path(name), []
        for events in sorted(tf.io.gfile.glob(os.path.join(root, FOLDER, "*", EVENTS))):
            source = os.path.dirname(events)
            names.append(os.path.basename(source))
            copy_folder(source, str(journal_of(folder, names[-1]).folder))
        yield folder
        for name in names:
            if journal_of(folder, name).state.finished:
                tf.io.gfile.rmtree(os.path.join(root, FOLDER, name))


def copy_folder(source: str, target: str) -> None:
    """Copy a folder and all that is in it, from or to Cloud Storage."""
    for parent, _, files in tf.io.gfile.walk(source):
        below = os.path.relpath(parent, source)
        for file in files:
            place = os.path.normpath(os.path.join(below, file))
            _copy(os.path.join(parent, file), os.path.join(target, place))


def _copy(source: str, target: str) -> None:
    tf.io.gfile.makedirs(os.path.dirname(target))
    tf.io.gfile.copy(source, target, overwrite=True)
