"""Draws photos of tires, sound or defective, each from a seed and a number alone.

A photo shows a piece of tread or of sidewall. What is no defect is in both classes: grooves, sipes,
writing, seams of the mould, dirt and glare. So neither darkness nor the number of edges tells the
classes apart: a crack is where a line breaks the pattern, not where a line is.
"""

from __future__ import annotations

import dataclasses
import io

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from tfrecords.drawing.textures import Field, noise, ramp

# Part of every set's identity: raise it when the same seed draws other pictures.
VERSION = 2

CLASS_NAMES = ("defective", "good")
DEFECTS = ("crack", "cut", "bulge", "worn")
LONG_SIDES = (112, 160)  # pixels, smallest and largest
_EVERY = 10  # one photo in as many shows a defect
_SCALE = 2  # lines are drawn at this factor and reduced
_LETTERS = "ABCDEFGHKLMNPRSTUVXZ0123456789"
# A crack turns by up to this at each of its steps, radians.
_WANDER = 0.5


@dataclasses.dataclass(frozen=True)
class Photo:
    """A drawn photo with its label.

    Attributes:
        name: `<view>_<number>`.
        view: tread or sidewall.
        defect: one of the DEFECTS; empty where there is none.
        image: uint8[height, width, 3], sRGB.
    """

    name: str
    view: str
    defect: str
    image: npt.NDArray[np.uint8]

    @property
    def label(self) -> int:
        """Index in CLASS_NAMES."""
        return 0 if self.defect else 1

    def jpeg(self) -> bytes:
        """Return the image as JPEG."""
        buffer = io.BytesIO()
        Image.fromarray(self.image).save(buffer, "JPEG", quality=90)
        return buffer.getvalue()


def draw(seed: int, index: int) -> Photo:
    """Draw photo number `index` of a seed; one in ten shows a defect.

    Args:
        seed: of the whole set.
        index: 0-based number of the photo.
    """
    rng = np.random.default_rng((seed, index))
    defective = np.random.default_rng((seed, index // _EVERY)).integers(_EVERY) == index % _EVERY
    view = "tread" if rng.random() < 0.5 else "sidewall"
    defect = str(rng.choice(("crack", "cut", _OF_VIEW[view]))) if defective else ""
    long = int(rng.integers(LONG_SIDES[0], LONG_SIDES[1] + 1))
    size = (long, int(long * rng.uniform(0.75, 1.0)))
    place = _place(rng)
    height_map: Field = _tread(rng, size) if view == "tread" else _sidewall(rng, size)
    if defect == "worn":
        height_map = _worn(rng, height_map, place)
    if defect == "bulge":
        height_map = height_map + _bulge(rng, size, place)
    tone: Field = _rubber(rng, size) * _shaded(rng, height_map)
    if defect == "crack":
        tone = _torn(tone, _crack(rng, size, place), rng.uniform(0.65, 0.92))
    if defect == "cut":
        tone = _torn(tone, _cut(rng, size, place), rng.uniform(0.65, 0.92))
    image = _dirt(rng, tone)
    image = image * _light(rng, size)[:, :, None] + _glare(rng, size)[:, :, None]
    image += rng.uniform(2, 7) * rng.standard_normal(image.shape, dtype=np.float32)
    return Photo(
        name=f"{view}_{index + 1}",
        view=view,
        defect=defect,
        image=np.clip(image, 0, 255).astype(np.uint8),
    )


_OF_VIEW = {"tread": "worn", "sidewall": "bulge"}


def _place(rng: np.random.Generator) -> tuple[float, float]:
    """Where a defect is, as shares of width and height."""
    x, y = rng.uniform(0.3, 0.7, 2)
    return float(x), float(y)


def _turned(rng: np.random.Generator, size: tuple[int, int]) -> tuple[Field, Field]:
    """Coordinates across and along a tire that lies askew and is bent, in long sides."""
    width, height = size
    x = ramp(-0.5, 0.5, width)[None, :] + np.zeros((height, 1), np.float32)
    y = ramp(-0.5, 0.5, height)[:, None] * (height / width) + np.zeros((1, width), np.float32)
    angle = rng.normal(0, 0.25) + (np.pi / 2 if rng.random() < 0.3 else 0)
    across = np.cos(angle) * x + np.sin(angle) * y
    along = np.cos(angle) * y - np.sin(angle) * x
    return across + rng.uniform(-0.25, 0.25) * along**2, along


def _line(distance: Field, width: float) -> Field:
    """Return a groove of a width where the distance is 0: 1 in its middle."""
    return np.exp(-((distance / width) ** 2))


def _periodic(position: Field, period: float) -> Field:
    """Distance to the nearest multiple of the period."""
    return (position + period / 2) % period - period / 2


def _tread(rng: np.random.Generator, size: tuple[int, int]) -> Field:
    """Blocks between grooves and sipes: a height, less where it is deep."""
    across, along = _turned(rng, size)
    wander = rng.uniform(0, 0.02) * np.sin(along * rng.uniform(10, 30))
    ribs = rng.uniform(0.16, 0.36)
    phase = rng.uniform(0, ribs)
    main = _line(_periodic(across + wander + phase, ribs), rng.uniform(0.012, 0.03))
    slant = rng.uniform(-0.8, 0.8)
    lateral_period = rng.uniform(0.09, 0.22)
    # Every rib's sipes begin elsewhere, as those of real tires do against noise.
    rib = np.floor((across + wander + phase) / ribs + 0.5)
    offset = (rib * rng.uniform(0.3, 0.7)) % 1 * lateral_period
    mirrored = np.where(rib % 2 == 0, 1.0, rng.choice((-1.0, 1.0))).astype(np.float32)
    lateral = along + slant * mirrored * across + offset
    sipes = _line(_periodic(lateral, lateral_period), rng.uniform(0.005, 0.014))
    depth = np.maximum(main, rng.uniform(0.4, 1.0) * sipes)
    if rng.random() < 0.5:  # fine cuts in the blocks
        fine = _line(_periodic(lateral, lateral_period / int(rng.integers(2, 4))), 0.005)
        depth = np.maximum(depth, rng.uniform(0.2, 0.5) * fine)
    return -depth.astype(np.float32)


def _sidewall(rng: np.random.Generator, size: tuple[int, int]) -> Field:
    """Rings, a ribbed band, writing and a seam on a smooth flank, as a height."""
    width, height = size
    across, along = _turned(rng, size)
    surface = np.zeros((height, width), np.float32)
    for _ in range(rng.integers(1, 4)):
        at = rng.uniform(-0.5, 0.5)
        surface += rng.uniform(-0.7, 0.7) * _line(across - at, rng.uniform(0.008, 0.03))
    if rng.random() < 0.6:
        at, half = rng.uniform(-0.5, 0.5), rng.uniform(0.03, 0.09)
        band = np.abs(across - at) < half
        ribs = _line(_periodic(along, rng.uniform(0.025, 0.05)), rng.uniform(0.006, 0.012))
        surface += rng.uniform(0.3, 0.7) * band * ribs
    if rng.random() < 0.75:
        surface += rng.uniform(0.3, 0.9) * _writing(rng, size)
    if rng.random() < 0.4:  # a seam of the mould, which runs as straight as the rings do
        surface += rng.uniform(0.3, 0.6) * _line(along - rng.uniform(-0.4, 0.4), 0.006)
    return surface


def _writing(rng: np.random.Generator, size: tuple[int, int]) -> Field:
    """Draw raised letters and figures, 0..1."""
    width, height = size
    canvas = Image.new("L", (width * _SCALE, height * _SCALE))
    text = "".join(rng.choice(list(_LETTERS), int(rng.integers(2, 9))))
    font = ImageFont.load_default(size=int(rng.uniform(0.08, 0.26) * canvas.height))
    corner = rng.uniform((-0.1, 0.0), (0.6, 0.8)) * canvas.size
    pen = ImageDraw.Draw(canvas)
    outline, fill = (2, 60) if rng.random() < 0.4 else (0, 255)
    place = (float(corner[0]), float(corner[1]))
    pen.text(place, text, font=font, fill=fill, stroke_width=outline, stroke_fill=255)
    turned = canvas.rotate(rng.normal(0, 20), Image.Resampling.BILINEAR)
    return np.asarray(turned.reduce(_SCALE), np.float32) / 255


def _shaded(rng: np.random.Generator, surface: Field) -> Field:
    """Light from one side on a surface: a factor, darker where it is deep or turned away."""
    down, right = np.gradient(surface)
    angle = rng.uniform(0, 2 * np.pi)
    slope = np.cos(angle) * right + np.sin(angle) * down
    deep = np.clip(1 + rng.uniform(0.35, 0.7) * np.minimum(surface, 0), 0.1, 1)
    return np.asarray(deep * np.clip(1 + rng.uniform(0.7, 1.6) * slope, 0.3, 2.2), np.float32)


def _rubber(rng: np.random.Generator, size: tuple[int, int]) -> Field:
    """Grey of a grain, in levels."""
    width, height = size
    grain = rng.uniform(0.03, 0.09) * noise(rng, size, (width // 2, height // 2))
    cells = int(rng.integers(3, 12))
    mottle = rng.uniform(0.03, 0.1) * noise(rng, size, (cells, cells))
    return np.asarray(rng.uniform(55, 140) * (1 + grain + mottle), np.float32)


def _spot(rng: np.random.Generator, size: tuple[int, int], place: tuple[float, float]) -> Field:
    """Distance from a place in units of an ellipse's radius."""
    width, height = size
    x = (ramp(0, 1, width)[None, :] - place[0]) * width / max(size)
    y = (ramp(0, 1, height)[:, None] - place[1]) * height / max(size)
    angle, radius, flat = rng.uniform(0, np.pi), rng.uniform(0.17, 0.25), rng.uniform(0.75, 1.0)
    across, along = np.cos(angle) * x + np.sin(angle) * y, np.cos(angle) * y - np.sin(angle) * x
    return np.hypot(across / radius, along / (radius * flat)).astype(np.float32)


def _worn(rng: np.random.Generator, surface: Field, place: tuple[float, float]) -> Field:
    """Rub the profile off in one place."""
    height, width = surface.shape
    distance = 0.75 * _spot(rng, (width, height), place)
    distance = distance + 0.12 * noise(rng, (width, height), (6, 6))
    return surface * (1 - rng.uniform(0.9, 1.0) / (1 + np.exp(16 * (distance - 1))))


def _bulge(rng: np.random.Generator, size: tuple[int, int], place: tuple[float, float]) -> Field:
    """Return a dome whose sides catch the light and lose it."""
    return rng.uniform(17.0, 24.0) * np.exp(-1.2 * _spot(rng, size, place) ** 2)


def _crack(rng: np.random.Generator, size: tuple[int, int], place: tuple[float, float]) -> Field:
    """Lines that wander and branch, 0..1."""
    width, height = size
    canvas = Image.new("L", (width * _SCALE, height * _SCALE))
    pen = ImageDraw.Draw(canvas)
    for _ in range(rng.integers(1, 4)):
        start = np.array(place) * canvas.size + rng.normal(0, 0.07, 2) * canvas.size[0]
        heading = rng.uniform(0, 2 * np.pi)
        _wander(pen, rng, start, heading, rng.uniform(0.3, 0.6) * canvas.size[0])
    return np.asarray(canvas.reduce(_SCALE), np.float32) / 255


def _wander(
    pen: ImageDraw.ImageDraw,
    rng: np.random.Generator,
    start: npt.NDArray[np.float64],
    heading: float,
    length: float,
) -> None:
    step = 5.0 * _SCALE
    thick = float(rng.uniform(2.2, 3.6)) * _SCALE
    here = start - 0.5 * length * np.array([np.cos(heading), np.sin(heading)])
    for number in range(int(length / step)):
        turned = heading + rng.normal(0, _WANDER)
        there = here + step * np.array([np.cos(turned), np.sin(turned)])
        left = 1 - 0.6 * number * step / length
        pen.line([*here.tolist(), *there.tolist()], fill=255, width=max(1, int(thick * left)))
        if rng.random() < 0.12 and length > 6 * step:
            _wander(pen, rng, there, turned + rng.choice((-0.9, 0.9)), 0.35 * length)
        here = there


def _cut(rng: np.random.Generator, size: tuple[int, int], place: tuple[float, float]) -> Field:
    """One or two straight slashes that end in points, 0..1."""
    width, height = size
    canvas = Image.new("L", (width * _SCALE, height * _SCALE))
    pen = ImageDraw.Draw(canvas)
    for _ in range(rng.integers(1, 3)):
        centre = np.array(place) * canvas.size + rng.normal(0, 0.05, 2) * canvas.size[0]
        angle, half = rng.uniform(0, np.pi), rng.uniform(0.13, 0.22) * canvas.size[0]
        along = half * np.array([np.cos(angle), np.sin(angle)])
        aside = rng.uniform(2.2, 3.4) * _SCALE * np.array([-np.sin(angle), np.cos(angle)])
        corners = (centre - along, centre + aside, centre + along, centre - aside)
        pen.polygon([(float(x), float(y)) for x, y in corners], fill=255)
    return np.asarray(canvas.reduce(_SCALE), np.float32) / 255


def _torn(tone: Field, opening: Field, depth: float) -> Field:
    """Rubber with an opening in it: dark inside, and a lip beside it that catches the light."""
    soft = Image.fromarray((255 * opening).astype(np.uint8)).filter(ImageFilter.GaussianBlur(1.2))
    lip = np.roll(np.asarray(soft, np.float32) / 255, (1, 1), (0, 1)) * (1 - opening)
    return tone * (1 - depth * opening) * (1 + 0.35 * lip)


def _dirt(rng: np.random.Generator, tone: Field) -> Field:
    """Dust and mud in blots, of no clear outline: float32[height, width, 3]."""
    height, width = tone.shape
    tint = rng.uniform(0.95, 1.05, 3).astype(np.float32)
    image = tone[:, :, None] * tint
    if rng.random() < 0.6:
        cells = int(rng.integers(3, 10))
        patches = noise(rng, (width, height), (cells, cells)) - rng.uniform(0.3, 1.4)
        share = (rng.uniform(0.2, 0.6) / (1 + np.exp(-4 * patches)))[:, :, None]
        mud = np.array((128, 106, 82), np.float32) * rng.uniform(0.5, 1.2)
        image = image * (1 - share) + mud * share
    for _ in range(rng.poisson(4)):  # grit, and the little hairs that the mould leaves
        x, y = int(rng.integers(width)), int(rng.integers(height))
        image[y : y + int(rng.integers(1, 4)), x : x + int(rng.integers(1, 3))] *= rng.uniform(
            0.5, 1.7
        )
    return np.asarray(image, np.float32)


def _light(rng: np.random.Generator, size: tuple[int, int]) -> Field:
    """Uneven light, a factor."""
    width, height = size
    across = ramp(-1, 1, width)[None, :] * rng.uniform(-0.3, 0.3)
    down = ramp(-1, 1, height)[:, None] * rng.uniform(-0.3, 0.3)
    return np.asarray(rng.uniform(0.75, 1.25) * (1 + across + down), np.float32)


def _glare(rng: np.random.Generator, size: tuple[int, int]) -> Field:
    """Return the light's reflection on wet or polished rubber, in levels; most photos have none."""
    if rng.random() < 0.6:
        return np.zeros((size[1], size[0]), np.float32)
    place = (float(rng.uniform(0, 1)), float(rng.uniform(0, 1)))
    return np.asarray(rng.uniform(30, 90) * np.exp(-(_spot(rng, size, place) ** 2)), np.float32)
