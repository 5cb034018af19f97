"""Outlines of drawn pets: bodies, limbs, tails and heads as polygons.

Lengths are in units of the pet's trunk; x points the way the pet faces, y down. A pose is a
list of parts in drawing order, so that a near leg covers the trunk and the trunk a far leg.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

Points = npt.NDArray[np.float64]


@dataclasses.dataclass(frozen=True)
class Breed:
    """What tells one kind of drawn pet from another.

    Attributes:
        name: breed name; as in PETS an upper-case initial means a cat.
        ears: "pointed", "wide" or "dropped".
        tail: "thin", "bushy" or "curled".
        coat: "striped", "patched", "saddled" or "plain".
        muzzle: length of the muzzle relative to the head's radius.
        fluff: how far the fur's tips stray from the outline, relative to a part's radius.
        leg: length of the legs.
    """

    name: str
    ears: str
    tail: str
    coat: str
    muzzle: float
    fluff: float
    leg: float


BREEDS = (
    Breed("Drawn_tabby", "pointed", "thin", "striped", muzzle=0.3, fluff=0.03, leg=0.42),
    Breed("Drawn_longhair", "wide", "bushy", "patched", muzzle=0.25, fluff=0.12, leg=0.3),
    Breed("drawn_hound", "dropped", "thin", "saddled", muzzle=0.8, fluff=0.02, leg=0.6),
    Breed("drawn_spitz", "pointed", "curled", "plain", muzzle=0.55, fluff=0.1, leg=0.4),
)


@dataclasses.dataclass(frozen=True)
class Part:
    """A polygon of a pet.

    Attributes:
        points: float64[N, 2] corners.
        tone: brightness of the fur there, 1 being the coat's own.
        feature: "" for fur, else "eye", "pupil", "nose" or "inner_ear".
    """

    points: Points
    tone: float = 1.0
    feature: str = ""


@dataclasses.dataclass(frozen=True)
class Pose:
    """A pet as it holds itself.

    Attributes:
        parts: in drawing order.
        cut_off: whether the picture's lower edge is to cut the pet off, as in a portrait.
    """

    parts: list[Part]
    cut_off: bool


def draw_pose(breed: Breed, rng: np.random.Generator) -> Pose:
    """Draw one of the poses at random: standing, sitting, lying, or a portrait."""
    poses: tuple[Callable[[Breed, np.random.Generator], list[Part]], ...]
    poses = (_standing, _sitting, _lying, _portrait)
    chosen = poses[rng.choice(4, p=(0.25, 0.25, 0.2, 0.3))]
    return Pose(chosen(breed, rng), cut_off=chosen is _portrait)


def _standing(breed: Breed, rng: np.random.Generator) -> list[Part]:
    girth = rng.uniform(0.2, 0.27)
    leg = breed.leg * rng.uniform(0.85, 1.15)
    hip, shoulder = _at(-0.4, 0.0), _at(0.38, 0.0)
    head = shoulder + rng.uniform((0.12, -0.5), (0.32, -0.25))
    parts = [_tail(breed, hip + _at(-0.06, -0.08), rng)]
    for root, tone in ((hip, 0.8), (shoulder, 0.8), (hip, 0.95), (shoulder, 0.95)):
        foot = root + _at(rng.uniform(-0.14, 0.14), girth * 0.6 + leg)
        parts.append(Part(limb(root, foot, 0.11, 0.06), tone))
        parts.append(Part(ellipse(foot + _at(0.03, 0.0), 0.08, 0.05), tone))
    parts.append(Part(_furry(ellipse((0.0, 0.0), 0.56, girth), breed, rng)))
    parts.append(Part(_furry(limb(shoulder, head, 0.2, 0.13), breed, rng)))
    return parts + _head(breed, head, rng.uniform(0.19, 0.24), rng.uniform(0.3, 1.0), rng)


def _sitting(breed: Breed, rng: np.random.Generator) -> list[Part]:
    turn = rng.uniform(0.0, 0.8)
    width = rng.uniform(0.27, 0.34)
    parts = [_tail(breed, _at(-0.25, 0.4), rng)]
    for side in (-1.0, 1.0):
        parts.append(Part(_furry(ellipse((side * width, 0.35), 0.2, 0.16), breed, rng), 0.85))
    parts.append(Part(_furry(ellipse((0.0, 0.05), width, 0.5), breed, rng)))
    for side in (-1.0, 1.0):
        foot = _at(side * 0.13 + 0.08 * turn, 0.52)
        parts.append(Part(limb(foot + _at(0.0, -0.5), foot, 0.09, 0.07), 1.06))
        parts.append(Part(ellipse(foot, 0.09, 0.05), 1.06))
    head = _at(0.12 * turn, -0.55 + rng.uniform(-0.06, 0.04))
    return parts + _head(breed, head, rng.uniform(0.24, 0.29), turn, rng)


def _lying(breed: Breed, rng: np.random.Generator) -> list[Part]:
    parts = [_tail(breed, _at(-0.5, 0.08), rng)]
    parts.append(Part(_furry(ellipse((-0.3, 0.02), 0.28, 0.23), breed, rng), 0.92))
    parts.append(Part(_furry(ellipse((0.0, 0.0), 0.6, 0.22), breed, rng)))
    for drop in (0.14, 0.2):
        foot = _at(rng.uniform(0.6, 0.85), drop)
        parts.append(Part(limb(_at(0.3, drop - 0.04), foot, 0.09, 0.06), 0.7 + 1.6 * drop))
    head = _at(rng.uniform(0.4, 0.58), rng.uniform(-0.26, -0.12))
    parts.append(Part(_furry(limb(_at(0.3, -0.02), head, 0.19, 0.14), breed, rng)))
    return parts + _head(breed, head, rng.uniform(0.2, 0.25), rng.uniform(0.0, 1.0), rng)


def _portrait(breed: Breed, rng: np.random.Generator) -> list[Part]:
    """Head and shoulders, whose lower end the frame cuts off."""
    turn = rng.uniform(0.0, 0.7)
    slope = rng.uniform(0.4, 0.6)
    parts = [Part(_furry(ellipse((-0.1 * turn, 0.85), slope, 0.6), breed, rng), 0.92)]
    parts.append(Part(_furry(limb(_at(0.0, 0.7), np.zeros(2), 0.34, 0.26), breed, rng)))
    return parts + _head(breed, np.zeros(2), rng.uniform(0.36, 0.42), turn, rng)


def _head(
    breed: Breed, centre: Points, radius: float, turn: float, rng: np.random.Generator
) -> list[Part]:
    """Return a head seen from the front (`turn` 0) to three quarters (`turn` 1)."""
    parts: list[Part] = []
    tilt = rng.uniform(-0.25, 0.25)
    spin = np.array([[np.cos(tilt), np.sin(tilt)], [-np.sin(tilt), np.cos(tilt)]])

    def place(points: Points, tone: float = 1.0, feature: str = "") -> None:
        parts.append(Part(centre + radius * points @ spin, tone, feature))

    shift = 0.35 * turn
    for side in (-1.0, 1.0):
        reach = side * (0.62 if side * turn < 0.3 else 0.5)
        if breed.ears == "dropped":
            ear = ellipse((side * 0.95 - 0.2 * shift, 0.2), 0.3, 0.75, -side * 0.25)
            place(ear, 0.72)
        else:
            spread, height = (0.34, 1.6) if breed.ears == "pointed" else (0.42, 1.35)
            tip = (reach * 1.25 - 0.3 * shift, -height)
            place(_triangle((reach - 0.4 * shift, -0.45), tip, spread), 0.9)
            if side * turn < 0.5:
                inner = _triangle((reach - 0.4 * shift, -0.6), (tip[0], -height * 0.9), spread / 2)
                place(inner, feature="inner_ear")
    place(_furry(ellipse((0.0, 0.0), 1.0, 0.92), breed, rng), 1.04)
    muzzle = _at(shift * (1.0 + breed.muzzle), 0.42)
    place(ellipse(muzzle, 0.4 + 0.35 * breed.muzzle * turn, 0.36), 1.2)
    for side in (-1.0, 1.0):
        eye = _at(side * 0.4 * (1 - 0.25 * turn) + shift, -0.12)
        place(ellipse(eye, 0.17, 0.15), feature="eye")
        place(ellipse(eye, 0.08, 0.13), feature="pupil")
    place(ellipse(muzzle + _at(0.2 * breed.muzzle * turn, -0.14), 0.14, 0.1), feature="nose")
    return parts


def _tail(breed: Breed, root: Points, rng: np.random.Generator) -> Part:
    if breed.tail == "curled":
        angles = np.linspace(0.4, rng.uniform(4.6, 5.6), 14)
        centre = root + _at(0.06, -0.22)
        spine = centre + 0.17 * np.stack([-np.sin(angles), np.cos(angles)], 1)
        width = 0.1
    else:
        bend = root + rng.uniform((-0.4, -0.35), (-0.15, 0.1))
        tip = bend + rng.uniform((-0.3, -0.45), (0.05, 0.05))
        at = np.linspace(0.0, 1.0, 14)[:, None]
        spine = (1 - at) ** 2 * root + 2 * at * (1 - at) * bend + at**2 * tip
        width = 0.13 if breed.tail == "bushy" else 0.055
    return Part(_ribbon(spine, width, bushy=breed.tail == "bushy"), 0.88)


def ellipse(
    centre: Points | tuple[float, float], rx: float, ry: float, angle: float = 0.0
) -> Points:
    """Return an ellipse as float64[32, 2]; `angle` in radians turns it clockwise on screen."""
    at = np.linspace(0.0, 2 * np.pi, 32, endpoint=False)
    points = np.stack([rx * np.cos(at), ry * np.sin(at)], 1)
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    return np.asarray(centre) + points @ turn


def limb(start: Points, end: Points, start_radius: float, end_radius: float) -> Points:
    """Return a tapered capsule from one point to another as float64[N, 2]."""
    along = np.arctan2(*(end - start)[::-1])
    half = np.linspace(-np.pi / 2, np.pi / 2, 9)
    near = start + start_radius * _unit(along + np.pi + half)
    far = end + end_radius * _unit(along + half)
    return np.concatenate([near, far])


def _ribbon(spine: Points, width: float, bushy: bool) -> Points:
    direction = np.gradient(spine, axis=0)
    normal = np.stack([-direction[:, 1], direction[:, 0]], 1)
    normal /= np.linalg.norm(normal, axis=1, keepdims=True) + 1e-9
    at = np.linspace(0.0, 1.0, len(spine))[:, None]
    half = width * (np.sin(np.pi * (0.15 + 0.8 * at)) if bushy else 1.0 - 0.5 * at)
    return np.concatenate([spine + normal * half, (spine - normal * half)[::-1]])


def _triangle(base: tuple[float, float], tip: tuple[float, float], spread: float) -> Points:
    return np.array([(base[0] - spread, base[1]), tip, (base[0] + spread, base[1])])


def _furry(points: Points, breed: Breed, rng: np.random.Generator) -> Points:
    """Frays an outline as fur does."""
    centre = points.mean(axis=0)
    dense = np.repeat(points, 3, axis=0)
    dense[1::3] += (np.roll(points, -1, axis=0) - points) / 3
    dense[2::3] += (np.roll(points, -1, axis=0) - points) * 2 / 3
    stray = 1.0 + breed.fluff * rng.uniform(-0.4, 1.0, (len(dense), 1))
    return np.asarray(centre + (dense - centre) * stray)


def _unit(angles: Points) -> Points:
    return np.stack([np.cos(angles), np.sin(angles)], 1)


def _at(x: float, y: float) -> Points:
    return np.array([x, y])
