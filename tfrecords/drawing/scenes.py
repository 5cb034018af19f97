"""Draws pictures of pets with their trimaps, each from a seed and a number alone."""

from __future__ import annotations

import dataclasses
import io

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFilter

from tfrecords.drawing.pet_shapes import BREEDS, Part, Points, Pose, draw_pose, ellipse
from tfrecords.drawing.textures import Field, coat, noise, ramp, room

# Part of every set's identity: raise it when the same seed draws other pictures.
VERSION = 1

PET, BACKGROUND, BORDER = 1, 2, 3  # the trimap's values, as in Oxford-IIIT Pet
LONG_SIDES = (128, 192)  # pixels, smallest and largest
_SCALE = 2  # outlines are drawn at this factor and reduced
_FEATURE_COLOURS = {"pupil": (14, 12, 12), "nose": (38, 28, 28), "inner_ear": (190, 140, 132)}
_EYE_COLOURS = ((206, 170, 60), (120, 160, 90), (96, 60, 30), (120, 160, 196))


@dataclasses.dataclass(frozen=True)
class Scene:
    """A drawn photo with its annotation.

    Attributes:
        name: `<breed>_<number>`, as Oxford-IIIT Pet names its files.
        breed: name of one of the BREEDS.
        image: uint8[height, width, 3], sRGB.
        trimap: uint8[height, width] of PET, BACKGROUND and BORDER.
    """

    name: str
    breed: str
    image: npt.NDArray[np.uint8]
    trimap: npt.NDArray[np.uint8]

    def jpeg(self) -> bytes:
        """Return the image as JPEG."""
        return _encoded(self.image, "JPEG", quality=90)

    def png(self, first_class: int) -> bytes:
        """Return the annotation as 8-bit PNG whose value for a pet is `first_class`."""
        return _encoded(self.trimap - np.uint8(PET - first_class), "PNG")


def draw(seed: int, index: int) -> Scene:
    """Draw scene number `index` of a seed; breeds take turns.

    Args:
        seed: of the whole set.
        index: 0-based number of the scene.
    """
    rng = np.random.default_rng((seed, index))
    breed = BREEDS[index % len(BREEDS)]
    size = _size(rng)
    width, height = size
    parts = _placed(draw_pose(breed, rng), size, rng)

    tones = Image.new("L", (width * _SCALE, height * _SCALE))
    features = Image.new("RGBA", tones.size)
    tone_pen, feature_pen = ImageDraw.Draw(tones), ImageDraw.Draw(features)
    eyes = _EYE_COLOURS[rng.integers(len(_EYE_COLOURS))]
    for part in parts:
        corners = [(x, y) for x, y in (part.points * _SCALE).tolist()]
        if part.feature:
            colour = _FEATURE_COLOURS.get(part.feature, eyes)
            feature_pen.polygon(corners, fill=(*colour, 255))
        else:
            # A part that comes to lie over a feature hides it.
            feature_pen.polygon(corners, fill=(0, 0, 0, 0))
            tone_pen.polygon(corners, fill=int(100 * part.tone))
    outline = tones.point([0] + [255] * 255)
    silhouette = outline.reduce(_SCALE)

    tone: Field = np.asarray(tones.reduce(_SCALE), np.float32)
    cover = np.asarray(silhouette, np.float32) / 255
    # Tones were averaged with the nothing around the pet: undo that.
    tone = tone / np.maximum(cover, 0.05) / 100
    fur = coat(breed, rng, size) * _rounded(silhouette, tone)[:, :, None]
    detail = np.asarray(features.reduce(_SCALE), np.float32)
    shown = detail[:, :, 3:] / 255
    fur = fur * (1 - shown) + detail[:, :, :3] * shown

    scene = room(rng, size, _SCALE) * _shadow(parts, size)[:, :, None]
    scene += cover[:, :, None] * (fur - scene)
    scene *= _light(rng, size)
    scene += rng.uniform(2, 6) * rng.standard_normal(scene.shape, dtype=np.float32)
    return Scene(
        name=f"{breed.name}_{index + 1}",
        breed=breed.name,
        image=np.clip(scene, 0, 255).astype(np.uint8),
        trimap=_trimap(silhouette),
    )


def _size(rng: np.random.Generator) -> tuple[int, int]:
    long = int(rng.integers(LONG_SIDES[0], LONG_SIDES[1] + 1))
    short = round(long * rng.uniform(0.66, 1.0))
    return (long, short) if rng.random() < 0.55 else (short, long)


def _placed(pose: Pose, size: tuple[int, int], rng: np.random.Generator) -> list[Part]:
    """Fits a pet into a picture of `size`, mirrored or not, a little off the middle."""
    corners = np.concatenate([part.points for part in pose.parts])
    low, high = corners.min(axis=0), corners.max(axis=0)
    factor = np.min(np.array(size) / (high - low)) * rng.uniform(0.8, 1.02)
    if pose.cut_off:
        factor *= rng.uniform(1.1, 1.6)
    spare = np.array(size) - factor * (high - low)
    corner = spare * rng.uniform(0.2, 0.8, 2)
    if pose.cut_off:
        kept = factor * (high[1] - low[1]) * rng.uniform(0.7, 0.92)
        corner[1] = max(size[1] - kept, 0.03 * size[1])  # the ears stay in the picture
    mirrored = rng.random() < 0.5

    def place(points: Points) -> Points:
        placed = (points - low) * factor + corner
        if mirrored:
            placed[:, 0] = size[0] - placed[:, 0]
        return placed

    return [dataclasses.replace(part, points=place(part.points)) for part in pose.parts]


def _rounded(silhouette: Image.Image, tone: Field) -> Field:
    """Darkens fur towards the outline, as a round body turns away from the light."""
    blurred = silhouette.filter(ImageFilter.GaussianBlur(max(silhouette.size) / 24))
    depth = np.asarray(blurred, np.float32) / 255
    return tone * (0.5 + 0.5 * np.clip(2.4 * depth - 1.0, 0, 1))


def _shadow(parts: list[Part], size: tuple[int, int]) -> Field:
    """Return the shade a pet casts on what it stands on, as a factor of brightness."""
    corners = np.concatenate([part.points for part in parts])
    low, high = corners.min(axis=0), corners.max(axis=0)
    patch = Image.new("L", size)
    centre = ((low[0] + high[0]) / 2, float(high[1]))
    around = ellipse(centre, float(high[0] - low[0]) * 0.5, size[1] * 0.06)
    ImageDraw.Draw(patch).polygon([(x, y) for x, y in around.tolist()], fill=255)
    soft = np.asarray(patch.filter(ImageFilter.GaussianBlur(max(size) / 40)), np.float32)
    return 1 - 0.45 * soft / 255


def _light(rng: np.random.Generator, size: tuple[int, int]) -> Field:
    """Uneven light of a slight tint as a factor, float32[height, width, 3]."""
    width, height = size
    across = ramp(-1, 1, width)[None, :] * rng.uniform(-0.2, 0.2)
    down = ramp(-1, 1, height)[:, None] * rng.uniform(-0.2, 0.2)
    level = rng.uniform(0.8, 1.15) * (1 + across + down + 0.05 * noise(rng, size, (3, 3)))
    tint = rng.uniform(0.94, 1.06, 3).astype(np.float32)
    return np.asarray(level[:, :, None] * tint)


def _trimap(silhouette: Image.Image) -> npt.NDArray[np.uint8]:
    """Mark a band along the outline as border, in the share it has in Oxford-IIIT Pet."""
    solid = silhouette.point([0] * 128 + [255] * 128)
    # The mean over a square is 255 where it lies within the pet and 0 where it lies without. At
    # the frame it repeats the last pixels: what the frame cuts off has no outline there.
    around = np.asarray(solid.filter(ImageFilter.BoxBlur(round(max(silhouette.size) / 80))))
    trimap = np.full(around.shape, BORDER, np.uint8)
    trimap[around == 0] = BACKGROUND
    trimap[around == 255] = PET
    return trimap


def _encoded(pixels: npt.NDArray[np.uint8], encoding: str, **options: int) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, encoding, **options)
    return buffer.getvalue()
