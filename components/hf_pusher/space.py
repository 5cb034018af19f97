"""The Space's files: the app, pinned to one revision of the model."""

import json
from pathlib import Path

from huggingface_hub import RepoCard

from components.demo import copy_app

EXAMPLES = "examples"
PIN = "model.json"  # which model the Space serves


def stage_space(folder: Path, task: str, repo_id: str, revision: str, tag: str, edge: bool) -> None:
    """Copy the app and fill in which model it serves.

    Args:
        folder: to make.
        task: the model's.
        repo_id: the model repository, OWNER/NAME.
        revision: its commit.
        tag: the version's name, for people.
        edge: whether the model repository holds a LiteRT model, which needs no TensorFlow.
    """
    copy_app(task, folder)
    runtime, other = ("litert", "tensorflow") if edge else ("tensorflow", "litert")
    (folder / f"requirements-{runtime}.txt").rename(folder / "requirements.txt")
    (folder / f"requirements-{other}.txt").unlink()
    pin = {"repo_id": repo_id, "revision": revision, "tag": tag, "task": task}
    (folder / PIN).write_text(json.dumps(pin, indent=2) + "\n")
    card = RepoCard.load(folder / "README.md")
    card.data["models"] = [repo_id]
    card.save(folder / "README.md")
