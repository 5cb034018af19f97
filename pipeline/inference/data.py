"""What a model is run on: the labelled images of a version, or image files."""

from __future__ import annotations

import glob
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from components.data_stores import StoresConfig
from pipeline.checks.dataset import classes_fit
from pipeline.data_version import bring, shards_of
from pipeline.recipe import Recipe
from stores.address import parse
from tfrecords import storage
from tfrecords.dataset import INFO_FILE, SPLIT_PATTERNS, read_info
from tfrecords.errors import DataError
from tfrecords.images import ImageFault, convert_image
from tfrecords.naming import IMAGE_ENDINGS, is_hidden, show
from tfrecords.shards import read_records, verify_shards


@dataclass(frozen=True)
class Labelled:
    """The validation split of a data set.

    Attributes:
        folder: of its shards.
        place: what they are for people: a version, or the folder.
        total: how many records there are.
    """

    folder: Path
    place: str
    total: int

    def records(self) -> Iterator[bytes]:
        """Return serialized tf.Examples, in the order of their shards."""
        paths = sorted(storage.glob(_pattern(self.folder)))
        return itertools.chain.from_iterable(map(read_records, paths))


@dataclass(frozen=True)
class Files:
    """Image files.

    Attributes:
        paths: of them, by the name that each is given.
    """

    paths: dict[str, Path]

    @property
    def place(self) -> str:
        """What they are for people."""
        return f"{len(self.paths)} files"

    @property
    def total(self) -> int:
        """How many there are."""
        return len(self.paths)

    def read(self, path: Path) -> bytes:
        """Return an image as JPEG or PNG, upright and opaque.

        Raises:
            ImageFault: it is none that can be read.
        """
        try:
            return convert_image(path.read_bytes(), max_side=_LARGEST).image
        except OSError as error:
            raise ImageFault(f"the file cannot be read: {error.strerror}") from None


_LARGEST = 65_535  # the longest side that the served model takes, so that nothing is reduced


def find_data(
    settings: StoresConfig, recipe: Recipe, version: str, given: Sequence[str]
) -> Labelled | Files:
    """Find what is given, or else a version.

    Args:
        settings: of the stores.
        recipe: of the model, which makes shards of a version that has none.
        version: address of data; empty where there is none.
        given: image files, folders and patterns of them; or one folder of shards.

    Raises:
        ValueError: there is nothing, or it is of other classes than the model.
    """
    if given:
        folders = [folder for folder in map(Path, given) if (folder / INFO_FILE).exists()]
        if not folders:
            return find_files(given)
        if len(given) > 1:
            raise DataError(f"{folders[0]} is a data set: name it alone, or image files.")
        return _labelled(folders[0], str(folders[0]), recipe)
    if not version:
        raise DataError(
            "The run was trained on a folder that has no version, so its data cannot be found: "
            "name images, the folder of its shards, or a version with --data lakefs://…"
        )
    found = bring(settings, parse(version))
    return _labelled(shards_of(found, recipe), str(found.address), recipe)


def find_files(given: Sequence[str]) -> Files:
    """Find image files.

    Args:
        given: files, folders and patterns of them.

    Raises:
        ValueError: one of them names none.
    """
    return Files(_name_files(_list_files(given)))


def _labelled(folder: Path, place: str, recipe: Recipe) -> Labelled:
    info = read_info(str(folder))
    if not classes_fit(info, recipe.class_names):
        raise DataError(
            f"{place} has the classes {', '.join(info.class_names)}, and the model "
            f"{', '.join(recipe.class_names)}: name data of these, or another model."
        )
    return Labelled(folder, place, verify_shards(_pattern(folder)))


def _pattern(folder: Path) -> str:
    return storage.join(str(folder), SPLIT_PATTERNS["eval"])


def _list_files(given: Sequence[str]) -> list[tuple[str, Path]]:
    """Image files, and what each is called by what was given."""
    found: list[tuple[str, Path]] = []
    for one in given:
        path = Path(one).expanduser()
        if path.is_dir():
            below = [
                (file.relative_to(path).as_posix(), file)
                for file in sorted(path.rglob("*"))
                if file.is_file()
            ]
            images = [
                (name, file)
                for name, file in below
                if name.lower().endswith(IMAGE_ENDINGS) and not is_hidden(name)
            ]
        elif path.is_file():
            images = [(path.name, path)]
        else:
            matches = [Path(match) for match in sorted(glob.glob(str(path), recursive=True))]
            images = [(match.name, match) for match in matches if match.is_file()]
        if not images:
            raise DataError(f"{show(one)} is no image file, and no folder or pattern of some.")
        found += images
    return found


def _name_files(files: Sequence[tuple[str, Path]]) -> dict[str, Path]:
    """Files by names that differ, each file once."""
    named: dict[str, Path] = {}
    for path in dict.fromkeys(path.absolute() for _, path in files):
        name = next(name for name, file in files if file.absolute() == path)
        named[name if name not in named else path.as_posix().lstrip("/")] = path
    return named
