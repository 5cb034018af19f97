"""Where the demo of a task is."""

import shutil
from pathlib import Path

from models.registry import load_task

_APPS = Path(__file__).parents[1] / "apps" / "gradio"
_SHARED = _APPS / "shared"
# The last two are what a Space gets beside the app.
_NO_APP = shutil.ignore_patterns("__pycache__", "*.pyi", "examples", "model.json")


def find_app(task: str) -> Path:
    """Return the folder of a task's demo, which lies beside that of what all demos share.

    Raises:
        ValueError: it has none.
    """
    name = load_task(task).app
    if not name:
        raise ValueError(f"Task {task} has no demo below {_APPS}: unset HF_REPO_ID, or write one.")
    return _APPS / name


def app_folders(task: str) -> tuple[Path, Path]:
    """Return the folders whose files together are a task's demo.

    Raises:
        ValueError: it has none.
    """
    return _SHARED, find_app(task)


def copy_app(task: str, folder: Path) -> None:
    """Copy a task's demo, with what all demos share, into one folder that is made.

    Raises:
        ValueError: it has none.
    """
    for part in app_folders(task):
        shutil.copytree(part, folder, ignore=_NO_APP, dirs_exist_ok=True)
