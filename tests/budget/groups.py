"""The groups of tests, and which of them a change concerns.

`python -m tests.budget.groups [--since REVISION]` prints the names of the groups beside `test` that
depend on a file changed since then: by default in the commits of the last 24 hours. It prints all
of them where the history does not reach back that far. It needs nothing but Python.
"""

import argparse
import subprocess
import sys
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

_ROOT = Path(__file__).parents[2]
_FILE = _ROOT / "tests" / "groups.toml"
MOST = "test"  # which every change concerns


@dataclass(frozen=True)
class Group:
    """Tests that run together.

    Attributes:
        reason: why they do.
        minutes: the most that they may take.
        tests: files and folders that have them, relative to the root.
        depends: files and folders that they depend on, relative to the root.
    """

    reason: str
    minutes: float
    tests: tuple[str, ...] = ()
    depends: tuple[str, ...] = ()


def read_groups() -> dict[str, Group]:
    """Reads the groups by name."""
    told = tomllib.loads(_FILE.read_text(encoding="utf-8"))
    return {
        name: Group(
            group["reason"],
            group["minutes"],
            tuple(group.get("tests", ())),
            tuple(group.get("depends", ())),
        )
        for name, group in told.items()
    }


GROUPS = read_groups()


def find_group(test_file: Path) -> str:
    """Finds the group of a test's file, whose path is relative to the root."""
    for name, group in GROUPS.items():
        if _concerns(group.tests, test_file.as_posix()):
            return name
    return MOST


def find_concerned(changed: Sequence[str] | None) -> list[str]:
    """Finds the groups beside `test` that changed files concern; all of them for None."""
    return [
        name
        for name, group in GROUPS.items()
        if name != MOST
        and (changed is None or any(_concerns(group.depends, file) for file in changed))
    ]


def list_changed(folder: Path, since: str | None = None) -> list[str] | None:
    """Lists the files that changed since a revision; by default in the last 24 hours.

    Returns:
        Paths relative to the repository's root; None where the history does not tell.
    """
    if since is None:
        # The newest commit that is older than a day.
        since = _git(folder, "rev-list", "-1", "--before=24 hours ago", "HEAD")
    known = since and _git(folder, "rev-parse", "--verify", "--quiet", f"{since}^{{commit}}")
    if not known:
        return None
    return (_git(folder, "diff", "--name-only", known, "HEAD") or "").splitlines()


def _git(folder: Path, *words: str) -> str | None:
    done = subprocess.run(["git", *words], cwd=folder, capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else None


def _concerns(places: Sequence[str], file: str) -> bool:
    return any(file == place or file.startswith(f"{place}/") for place in places)


def main() -> int:
    """Prints the concerned groups, a name a line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--since", metavar="REVISION")
    changed = list_changed(_ROOT, parser.parse_args().since)
    print("\n".join(find_concerned(changed)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
