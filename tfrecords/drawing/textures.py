"""Colour fields of drawn scenes: noise, fur, and rooms cluttered with things that are no pet.

Pets, rooms and things take their colours from one palette, so that colour alone tells a pet
from its surroundings in no image and less still across images.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from tfrecords.drawing.pet_shapes import Breed, ellipse

Field = npt.NDArray[np.floating[Any]]  # float32 throughout, which no checker can follow

# Fur, wood, plaster, cloth and grass: sRGB in 0..255.
_PALETTE = np.array(
    [
        (42, 38, 36),
        (92, 66, 44),
        (150, 104, 62),
        (196, 146, 88),
        (222, 188, 142),
        (238, 226, 208),
        (120, 116, 112),
        (172, 170, 166),
        (88, 104, 76),
        (112, 134, 92),
        (96, 116, 140),
        (158, 84, 66),
    ],
    dtype=np.float32,
)
_FUR_COLOURS = 8  # the palette's first entries; rooms and things use all of them


def fur_colours(rng: np.random.Generator) -> tuple[Field, Field]:
    """Draw a coat's main and second colour, float32[3] each, at least 45 levels apart."""
    first, second = rng.permutation(_FUR_COLOURS)[:2]
    main = _PALETTE[first] + rng.normal(0, 8, 3)
    other = _PALETTE[second] + rng.normal(0, 8, 3)
    if abs(main.mean() - other.mean()) < 45:
        other = other - 60 if main.mean() > 128 else other + 60
    return main.astype(np.float32), other.astype(np.float32)


def noise(rng: np.random.Generator, size: tuple[int, int], cells: tuple[int, int]) -> Field:
    """Return smooth noise of mean 0 and deviation about 1 as float32[height, width].

    Args:
        rng: source of randomness.
        size: width and height in pixels.
        cells: number of independent values along width and height.
    """
    coarse = rng.standard_normal((cells[1], cells[0]), dtype=np.float32)
    return np.asarray(Image.fromarray(coarse).resize(size, Image.Resampling.BICUBIC))


def ramp(first: float, last: float, count: int) -> Field:
    """Return evenly spaced numbers as float32[count]."""
    return np.linspace(first, last, count, dtype=np.float32)


def coat(breed: Breed, rng: np.random.Generator, size: tuple[int, int]) -> Field:
    """Return fur as float32[height, width, 3], in sRGB levels, to be cut to the pet's outline."""
    width, height = size
    main, second = fur_colours(rng)
    wander = noise(rng, size, (6, 6))
    if breed.coat == "striped":
        bands = rng.uniform(9, 13) * ramp(0, width / height, width)[None, :] + 0.35 * wander
        pattern: Field = np.sin(2 * np.pi * bands) - np.float32(0.2)
    elif breed.coat == "patched":
        pattern = 4 * noise(rng, size, (5, 5))
    elif breed.coat == "saddled":
        middle = rng.uniform(-0.2, 0.2)
        pattern = 5 * (ramp(1.0, -1.0, height)[:, None] + middle) + 1.5 * wander
    else:
        pattern = wander - 1.0
    share = (0.8 / (1 + np.exp(-3 * pattern)))[:, :, None]
    field = main * (1 - share) + second * share
    # Hairs: noise that changes faster across the hair than along it.
    hairs = noise(rng, size, (width // 2, max(2, height // 5)))
    fine = noise(rng, size, (width, height // 2))
    return np.asarray(field * (1 + 0.09 * hairs + 0.07 * fine)[:, :, None], dtype=np.float32)


def room(rng: np.random.Generator, size: tuple[int, int], scale: int) -> Field:
    """Return a wall and a floor with things before them as float32[height, width, 3].

    Args:
        rng: source of randomness.
        size: width and height in pixels.
        scale: factor at which outlines are drawn before they are reduced, against jagged edges.
    """
    width, height = size
    canvas = Image.new("RGB", (width * scale, height * scale), _colour(rng))
    draw = ImageDraw.Draw(canvas)
    horizon = rng.uniform(0.35, 0.85) * canvas.height
    slope = rng.uniform(-0.06, 0.06) * canvas.height
    corners = [(0, horizon - slope), (canvas.width, horizon + slope)]
    draw.polygon([*corners, (canvas.width, canvas.height), (0, canvas.height)], fill=_colour(rng))
    if rng.random() < 0.4:
        _tiles(draw, canvas.size, rng)
    for _ in range(rng.integers(3, 10)):
        _thing(draw, canvas.size, rng)
    field = np.asarray(canvas.reduce(scale), dtype=np.float32)
    cells = int(rng.integers(3, 24))
    mottle = 0.07 * noise(rng, size, (cells, cells)) + 0.02 * noise(rng, size, size)
    return np.asarray(field * (1 + mottle)[:, :, None], dtype=np.float32)


def _colour(rng: np.random.Generator) -> tuple[int, int, int]:
    colour = _PALETTE[rng.integers(len(_PALETTE))] + rng.normal(0, 12, 3)
    red, green, blue = np.clip(colour, 0, 255).astype(int).tolist()
    return red, green, blue


def _tiles(draw: ImageDraw.ImageDraw, size: tuple[int, int], rng: np.random.Generator) -> None:
    """Parallel lines over the picture: planks, wallpaper, a fence."""
    step = rng.uniform(0.07, 0.2) * size[0]
    lean = rng.uniform(-0.5, 0.5) * size[1]
    colour = _colour(rng)
    thick = int(rng.integers(1, 5))
    for left in np.arange(-size[0], 2 * size[0], step).tolist():
        draw.line([(left, 0), (left + lean, size[1])], fill=colour, width=thick)


def _thing(draw: ImageDraw.ImageDraw, size: tuple[int, int], rng: np.random.Generator) -> None:
    """Return a box, ball, cushion or plant somewhere in the picture."""
    span = rng.uniform(0.06, 0.22) * max(size)
    centre = rng.uniform((0.0, 0.1), (1.0, 1.0)) * size
    kind = rng.integers(4)
    if kind == 0:  # box or book, in perspective
        corners = np.array([(-1, -0.7), (1, -0.7), (1, 0.7), (-1, 0.7)])
        outline = corners * rng.uniform(0.5, 1.2, 2) + rng.uniform(-0.2, 0.2, (4, 2))
    elif kind == 1:  # ball or plate
        outline = ellipse((0.0, 0.0), 0.8, 0.8 * rng.uniform(0.4, 1.0), rng.uniform(0, np.pi))
    elif kind == 2:  # cushion
        at = np.linspace(0, 2 * np.pi, 24, endpoint=False)
        outline = np.stack([np.cos(at), np.sin(at)], 1)
        outline = np.sign(outline) * np.abs(outline) ** 0.5
    else:  # plant
        at = np.linspace(0, 2 * np.pi, 18, endpoint=False)
        reach = np.where(np.arange(18) % 2, 0.35, rng.uniform(0.7, 1.3, 18))
        outline = reach[:, None] * np.stack([np.cos(at), np.sin(at)], 1)
    corners = centre + span * outline
    draw.polygon([(x, y) for x, y in corners.tolist()], fill=_colour(rng))
    if kind != 3 and rng.random() < 0.5:  # a band, a label, a pattern
        inner = centre + span * outline * rng.uniform(0.3, 0.8, 2)
        draw.polygon([(x, y) for x, y in inner.tolist()], fill=_colour(rng))
