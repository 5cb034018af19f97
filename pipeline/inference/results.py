"""The folder of results: written beside its place, and put there whole."""

from __future__ import annotations

import csv
import json
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from PIL import Image

from models.task import Answer
from tfrecords.errors import DataError
from tfrecords.naming import cut_ending

SCORES = "scores.json"
_MASKS, _OVERLAYS = "masks", "overlays"
_LABELS, _SHARES = "labels.csv", "shares.csv"  # of what has no masks, and of what has
_UNSAFE = re.compile(r"[^\w .()+,=@-]|^[. ]|[. ]$")
_LONGEST = 120  # characters of a name, of which a file system takes 255 bytes


class Results:
    """A folder of results in the making.

    Args:
        folder: where it is made.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._taken: set[str] = set()
        self._rows: list[dict[str, Any]] = []

    def add(self, name: str, answer: Answer) -> dict[str, str]:
        """Keep the answer to an image; return the files that hold it, by what they are."""
        stem = self._free_name(name)
        files = {"overlay": f"{_OVERLAYS}/{stem}.jpg"}
        Image.fromarray(answer.overlay).save(self._place(files["overlay"]), "JPEG", quality=90)
        if answer.mask:
            files["mask"] = f"{_MASKS}/{stem}.png"
            self._place(files["mask"]).write_bytes(answer.mask)
        if answer.row:
            masks = {"mask": files["mask"]} if answer.mask else {}
            self._rows.append({"name": name, **masks, **answer.row})
        return files

    def finish(self, scores: dict[str, Any]) -> None:
        """Write the table, where there is one, and the scores."""
        if self._rows:
            table = _SHARES if "mask" in self._rows[0] else _LABELS
            with (self._folder / table).open("w", encoding="utf-8", newline="") as file:
                writer = csv.DictWriter(file, list(self._rows[0]))
                writer.writeheader()
                writer.writerows(self._rows)
        text = json.dumps(scores, indent=1, ensure_ascii=False, allow_nan=False)
        (self._folder / SCORES).write_text(text + "\n", encoding="utf-8", errors="replace")

    def _place(self, path: str) -> Path:
        place = self._folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        return place

    def _free_name(self, name: str) -> str:
        """Return a name of a file, which leads nowhere else and which no other image has."""
        parts = [part for part in cut_ending(name).split("/") if part not in ("", ".", "..")]
        safe = _UNSAFE.sub("_", "-".join(parts))[:_LONGEST] or "image"
        stem, number = safe, 1
        while stem.casefold() in self._taken:
            number += 1
            stem = f"{safe}-{number}"
        self._taken.add(stem.casefold())
        return stem


def check_output(output: Path) -> None:
    """Look whether results may be put in a place.

    Raises:
        DataError: something else is there.
    """
    if not output.exists():
        return
    if not output.is_dir():
        raise DataError(f"{output} is a file; name a folder with --output.")
    if any(output.iterdir()) and not (output / SCORES).is_file():
        raise DataError(
            f"{output} holds something else than results, which is not removed; name another "
            "folder with --output."
        )


@contextmanager
def put_whole(output: Path) -> Iterator[Results]:
    """Give a folder to fill, which takes the place of an older one when all went well.

    Raises:
        DataError: something else is in the place, or it cannot be written.
    """
    check_output(output)
    place = output.absolute()
    made: Path | None = None
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        made = Path(tempfile.mkdtemp(prefix=f".{place.name}-", dir=place.parent))
        made.chmod(0o755)
        new, old = made / "new", made / "old"
        new.mkdir()
        yield Results(new)
        if place.exists():
            place.rename(old)
        try:
            new.rename(place)
        except OSError:
            if old.exists():
                old.rename(place)
            raise
    except OSError as error:
        raise DataError(
            f"{error.filename or output} cannot be written: {error.strerror}; free some space or "
            "name another folder with --output. What was in the place is still there."
        ) from error
    finally:
        if made:
            shutil.rmtree(made, ignore_errors=True)
