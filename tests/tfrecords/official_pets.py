"""Archives in the layout of Oxford-IIIT Pet, with its oddities, of any photos and trimaps."""

from __future__ import annotations

import hashlib
import io
import tarfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from PIL import Image

from tfrecords.sources.download import Archive


def pack_official(
    images: Path, trimaps: Path, train: Sequence[str], val: Sequence[str]
) -> dict[str, bytes]:
    """Packs photos and trimaps as the official archives are.

    Of the photos that train, the first is a GIF and the second a PNG under a name that ends in
    .jpg; the last one that there is is in list.txt alone.

    Args:
        images: folder of .jpg files.
        trimaps: folder of .png files of the same names.
        train: names that trainval.txt has.
        val: names that test.txt has.

    Returns:
        The archives' bytes by their names.
    """
    photos = {
        f"images/{name}.jpg": (images / f"{name}.jpg").read_bytes()
        for name in sorted(path.stem for path in images.iterdir())
    }
    for name, encoding in zip(train, ("GIF", "PNG"), strict=False):
        encoded = io.BytesIO()
        Image.open(images / f"{name}.jpg").save(encoded, encoding)
        photos[f"images/{name}.jpg"] = encoded.getvalue()
    photos["images/Abyssinian_100.mat"] = b"MATLAB 5.0 MAT-file"
    lists = {"trainval": train, "test": val, "list": [*train, *val]}
    notes = {
        f"annotations/{name}.txt": _list(names, heading=name == "list").encode()
        for name, names in lists.items()
    }
    notes["annotations/README"] = b"Trimaps: 1 foreground, 2 background, 3 not classified\n"
    for path in sorted(trimaps.iterdir()):
        notes[f"annotations/trimaps/{path.name}"] = path.read_bytes()
        notes[f"annotations/trimaps/._{path.name}"] = b"\0\5\26\7\0\2\0\0Mac OS X        "
        notes[f"annotations/xmls/{path.stem}.xml"] = b"<annotation/>"
    return {"images.tar.gz": _pack(photos), "annotations.tar.gz": _pack(notes)}


def checksums_of(packed: Mapping[str, bytes]) -> tuple[Archive, ...]:
    """Names archives with their checksums, as the source code does the official ones."""
    return tuple(Archive(name, hashlib.md5(data).hexdigest()) for name, data in packed.items())


def _list(names: Sequence[str], *, heading: bool) -> str:
    lines = [f"{name} 1 1 1" for name in names]
    if heading:
        lines = ["#Image CLASS-ID SPECIES BREED ID", "#ID: 1:37 Class ids", *lines]
    return "\n".join(lines) + "\n"


def _pack(files: Mapping[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz", compresslevel=1) as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return buffer.getvalue()
