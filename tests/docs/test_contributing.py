"""What CONTRIBUTING.md has one install finds what it should, and the papers agree."""

import json
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

from tests.conftest import REPOSITORY

CONFIG = REPOSITORY / ".pre-commit-config.yaml"
NOTEBOOK = {
    "cells": [
        {
            "cell_type": "code",
            "execution_count": 1,
            "id": "one",
            "metadata": {},
            "outputs": [{"name": "stdout", "output_type": "stream", "text": ["secret"]}],
            "source": ["print('secret')"],
        }
    ],
    "metadata": {},
    "nbformat": 4,
    "nbformat_minor": 5,
}
WRONG = {
    "unused.py": "import os\n",
    "unformatted.py": "x = { 'a':1 }\n",
    "run.ipynb": json.dumps(NOTEBOOK),
    "page.md": f"A wo{'rng'} word.\n",  # typos reads this file, too
    "run.sh": "#!/bin/sh\ncd $1\n",
    ".github/workflows/ci.yml": "name: CI\non: push\njobs:\n  a:\n    steps: []\n",
}
HOOKS = [
    hook["id"] for repo in yaml.safe_load(CONFIG.read_text())["repos"] for hook in repo["hooks"]
]


def git(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    identity = ("-c", "user.name=Ada", "-c", "user.email=ada@example.org")
    return subprocess.run(
        ["git", *identity, *arguments], cwd=folder, capture_output=True, text=True, timeout=300
    )


def test_the_hooks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PRE_COMMIT_HOME", str(tmp_path / "home"))
    folder = tmp_path / "repository"
    folder.mkdir()
    git(folder, "init")
    (folder / ".venv").mkdir()
    (folder / ".venv" / "bin").symlink_to(Path(sys.executable).parent)
    (folder / ".pre-commit-config.yaml").write_text(CONFIG.read_text())
    installed = subprocess.run([".venv/bin/pre-commit", "install"], cwd=folder, capture_output=True)
    assert installed.returncode == 0, installed.stderr
    for name, text in WRONG.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    git(folder, "add", *WRONG)
    done = git(folder, "commit", "--message", "wrong")
    assert done.returncode == 1, done.stdout + done.stderr
    failed = [
        line.removeprefix("- hook id: ") for line in done.stderr.splitlines() if "hook id" in line
    ]
    assert failed == HOOKS
    [cell] = json.loads((folder / "run.ipynb").read_text())["cells"]
    assert cell["outputs"] == []


def test_one_version_and_one_licence() -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    citation = yaml.safe_load((REPOSITORY / "CITATION.cff").read_text())
    assert (citation["version"], citation["license"]) == (project["version"], project["license"])
    assert citation["cff-version"] == "1.2.0"
    licence = (REPOSITORY / "LICENSE").read_text()
    assert "Apache License" in licence and "Version 2.0, January 2004" in licence


@pytest.mark.parametrize("name", ["bug.yml", "feature.yml"])
def test_an_issue_form_is_one(name: str) -> None:
    """As https://docs.github.com/en/communities says: what is required, and ids of their own."""
    form = yaml.safe_load((REPOSITORY / ".github" / "ISSUE_TEMPLATE" / name).read_text())
    assert form.keys() >= {"name", "description", "body"}
    ids = [element["id"] for element in form["body"]]
    assert len(set(ids)) == len(ids)
    for element in form["body"]:
        assert element["type"] in {"textarea", "input", "dropdown", "checkboxes"}
        assert element["attributes"]["label"]
