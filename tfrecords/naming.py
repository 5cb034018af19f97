"""What files are, and what their images are called, by their paths alone."""

from __future__ import annotations

import hashlib
import unicodedata
from pathlib import PurePosixPath

# Of tfrecords.images.FORMATS.
IMAGE_ENDINGS = (
    ".jpg",
    ".jpeg",
    ".jpe",
    ".jfif",
    ".png",
    ".webp",
    ".gif",
    ".bmp",
    ".tif",
    ".tiff",
    ".avif",
)
HIDDEN = "hidden"
_OF_MACS = "__MACOSX"  # what they put beside the files in an archive


def name_key(name: str) -> bytes:
    """Return what orders names as if at random, yet everywhere alike."""
    return hashlib.sha256(name.encode()).digest()


def show(text: str) -> str:
    """Return a file's name or what is said of it on one line, which it cannot leave or colour."""
    return text if text.isprintable() else ascii(text)[1:-1]


def is_hidden(path: str) -> bool:
    """Tell whether a file, by its path within the folder, or a folder of it is hidden."""
    return any(part.startswith(".") or part == _OF_MACS for part in path.split("/"))


def tell_kind(path: str) -> str:
    """Return what a file is, by its path within the folder: hidden, or of which ending."""
    return HIDDEN if is_hidden(path) else show(PurePosixPath(path).suffix.lower()) or "no ending"


def cut_ending(name: str) -> str:
    """Cut an image's ending off and no other, for breeds may be named st.bernard.

    Macs write a letter and its accent as two characters, other systems as one: names are equal
    in the latter form, NFC.
    """
    name = unicodedata.normalize("NFC", name)
    for ending in IMAGE_ENDINGS:
        if name.lower().endswith(ending):
            return name[: -len(ending)]
    return name
