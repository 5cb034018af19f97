"""The Space's files: the app, pinned to one revision of the model."""

import json
import shutil
from pathlib import Path

from huggingface_hub import RepoCard

APP = Path(__file__).parents[2] / "apps" / "gradio" / "semantic_segmentation"
EXAMPLES = "examples"
PIN = "model.json"  # which model the Space serves
_NOT_PUSHED = shutil.ignore_patterns("__pycache__", "*.pyi", "requirements-*.txt", EXAMPLES)


def stage_space(folder: Path, repo_id: str, revision: str, tag: str, edge: bool) -> None:
    """Copies the app and fills in which model it serves.

    Args:
        folder: to make.
        repo_id: the model repository, OWNER/NAME.
        revision: its commit.
        tag: the version's name, for people.
        edge: whether the model repository holds a LiteRT model, which needs no TensorFlow.
    """
    shutil.copytree(APP, folder, ignore=_NOT_PUSHED)
    runtime = "litert" if edge else "tensorflow"
    shutil.copyfile(APP / f"requirements-{runtime}.txt", folder / "requirements.txt")
    pin = {"repo_id": repo_id, "revision": revision, "tag": tag}
    (folder / PIN).write_text(json.dumps(pin, indent=2) + "\n")
    card = RepoCard.load(folder / "README.md")
    card.data["models"] = [repo_id]
    card.save(folder / "README.md")
