"""A recipe for a data set of other classes, as a TOML file."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

from tfrecords.errors import DataError
from tfrecords.sources.class_table import IGNORED, ClassTable

_NAME = re.compile(r"[a-z][a-z0-9_-]{0,62}")


def check_recipe_path(path: str) -> None:
    """Hold a recipe's path against what a recipe may be called, before anything is converted.

    Raises:
        DataError: it does not end in .toml, what comes before is no name, or there is no such
            folder, or none that may be written to.
    """
    file = Path(path)
    if file.suffix != ".toml" or not _NAME.fullmatch(file.stem):
        raise DataError(
            f"--recipe {path} is no recipe's name; expected small letters, digits, - and _, and "
            "then .toml."
        )
    folder = file.absolute().parent
    if not folder.is_dir():
        raise DataError(
            f"--recipe {path} lies in no folder that there is; make it, or choose another."
        )
    if not file.exists() and not os.access(folder, os.W_OK):
        raise DataError(f"--recipe {path}: {folder} cannot be written to; choose another folder.")


def write_recipe(path: str, text: str) -> bool:
    """Write a recipe, unless the file is there.

    Returns:
        Whether it was written.
    """
    file = Path(path)
    if file.exists():
        return False
    part = file.with_name(f".{file.name}.{os.getpid()}")
    part.write_text(text, encoding="utf-8")
    part.replace(file)
    return True


def recipe_text(name: str, table: ClassTable) -> str:
    """Return a recipe in TOML, which inherits from `pets` what does not depend on the classes."""
    quoted = [json.dumps(class_name, ensure_ascii=False) for class_name in table.names]
    ignored = [f"ignore_label = {IGNORED}"] if table.ignores else []
    lines = [
        'base = "pets"',
        f'name = "{name}"',
        f"class_names = [{', '.join(quoted)}]",
        f"palette = {json.dumps(table.palette)}",
        *ignored,
        'slices = ["breed"]',
        "",
        "[gate]",
        "max_drop = 0.02",
        "",
        "# What a model must reach to be published. Raise it to what you need, and add classes.",
        "[gate.limits]",
        "mean_iou = 0.3",
        *(f"# {json.dumps(f'iou_{name}', ensure_ascii=False)} = 0.3" for name in table.names),
    ]
    return "\n".join(lines) + "\n"
