"""Repositories as teams have them."""

import os
import shutil
import subprocess
from pathlib import Path


def repository_copy(source: Path, folder: Path) -> Path:
    """A git repository with what is committed in another, or lies there as it will be."""
    run = {"check": True, "capture_output": True}
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=source, **run
    ).stdout
    for name in filter(None, listed.decode().split("\0")):
        if (source / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source / name, folder / name)
    commit(folder, "init", "--quiet", "--initial-branch=main")
    return folder


def commit(folder: Path, *first: str) -> None:
    """Commits all that lies in a repository; the same again has the same name."""
    identity = ["-c", "user.name=Team", "-c", "user.email=team@example.com"]
    dates = dict.fromkeys(("GIT_AUTHOR_DATE", "GIT_COMMITTER_DATE"), "2026-01-01T00:00:00Z")
    for command in (list(first), ["add", "--all"], ["commit", "--quiet", "--message=Work"]):
        if command:
            subprocess.run(
                ["git", *identity, *command], cwd=folder, env=os.environ | dates, check=True
            )
