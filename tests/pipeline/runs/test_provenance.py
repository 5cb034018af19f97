import subprocess
from pathlib import Path

import pytest

from components.git import git_commit
from pipeline.runs.provenance import commit_label, provenance


def git(folder: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=Nobody", "-c", "user.email=nobody@example.org"]
    return subprocess.run(
        ["git", *identity, *arguments], cwd=folder, check=True, capture_output=True, text=True
    ).stdout.strip()


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    git(tmp_path, "init", "-q")
    (tmp_path / "code.py").write_text("x = 1\n")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-qm", "Begin")
    git(tmp_path, "tag", "v1")
    return tmp_path


def test_the_commit_is_named_by_its_hash(checkout: Path) -> None:
    assert git_commit(checkout) == git(checkout, "rev-parse", "HEAD")


def test_a_changed_checkout_is_said_to_be(checkout: Path) -> None:
    (checkout / "code.py").write_text("x = 2\n")
    assert git_commit(checkout) == git(checkout, "rev-parse", "HEAD") + ", modified"


def test_a_label_has_no_characters_that_vertex_refuses(checkout: Path) -> None:
    head = git(checkout, "rev-parse", "HEAD")
    assert commit_label(checkout) == {"commit": head}
    (checkout / "code.py").write_text("x = 2\n")
    assert commit_label(checkout) == {"commit": f"{head}-modified"}


def test_a_checkout_that_git_does_not_trust_has_the_cure(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    cure = f"`git config --global --add safe.directory {checkout}`"
    assert git_commit(checkout) == f"none: git does not trust another user's checkout; {cure}"
    assert commit_label(checkout) == {}


def test_outside_of_a_checkout_there_is_none(tmp_path: Path) -> None:
    assert git_commit(tmp_path) == "none"
    assert commit_label(tmp_path) == {}


def test_without_git_there_is_none(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(checkout))
    assert git_commit(checkout) == "none"


def test_facts_are_text() -> None:
    facts = provenance()
    assert set(facts) == {"git commit", "python", "tfx", "tensorflow", "keras", "machine"}
    assert all(facts.values())
