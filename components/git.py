"""Which commit the code is of, and who works on it."""

import getpass
import re
import subprocess
from pathlib import Path

# In git's own message, in any language.
_TRUST = re.compile(r"git config --global --add safe\.directory .*")


def git_commit(folder: Path) -> str:
    """Hash of the commit that a folder's files are of, and whether they were changed since.

    Returns:
        For example `a98dd87…, modified`; `none` outside of a git checkout or without git, and with
        the cure where git does not trust a checkout of another user's.
    """
    command = ["git", "describe", "--always", "--abbrev=40", "--exclude=*", "--dirty=, modified"]
    try:
        return subprocess.run(
            command, cwd=folder, check=True, capture_output=True, text=True
        ).stdout.strip()
    except subprocess.CalledProcessError as error:
        cure = _TRUST.search(error.stderr)
        return f"none: git does not trust another user's checkout; `{cure[0]}`" if cure else "none"
    except OSError:
        return "none"


def git_user() -> str:
    """Who works here, as `Name <mail>`: git's user, or else who has logged in; empty if nobody."""
    name, mail = (_configured(f"user.{part}") for part in ("name", "email"))
    if name or mail:
        return f"{name} <{mail}>".strip() if mail else name
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user may have a number alone
        return ""


def _configured(key: str) -> str:
    command = ["git", "config", "--get", key]
    try:
        return subprocess.run(command, capture_output=True, text=True).stdout.strip()
    except OSError:
        return ""
