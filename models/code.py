"""The learning code, part of the cache key of whatever calls it."""

import importlib.util
from pathlib import Path

from models.registry import known_tasks, load_task


def code_folders(task: str) -> tuple[list[Path], list[Path]]:
    """Where the code of a task lies.

    Args:
        task: its name.

    Returns:
        The folders that hold it, shared code among them; and the folders within these that are of
        other tasks, on which it does not depend.
    """
    shared, own = Path(__file__).parent, task_folder(task)
    others = [folder for other in known_tasks() if (folder := task_folder(other)) != own]
    return [shared, *([] if own.is_relative_to(shared) else [own])], others


def task_folder(task: str) -> Path:
    """Where what is of one task alone lies: its code, and the words of its model card."""
    spec = importlib.util.find_spec(load_task(task).learning)
    assert spec and spec.origin, task
    return Path(spec.origin).parent
