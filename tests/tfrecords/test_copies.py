import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tfrecords.copies import find_copies, thumbnail
from tfrecords.drawing import scenes

PETS = Path(__file__).resolve().parents[3] / "shared" / "data" / "pets"
PHOTOS = {
    str(number): Image.open(io.BytesIO(scenes.draw(0, number).jpeg())) for number in range(20)
}


def written(image: Image.Image, encoding: str, **options: object) -> Image.Image:
    buffer = io.BytesIO()
    image.save(buffer, encoding, **options)
    return Image.open(buffer).convert("RGB")


def half(image: Image.Image) -> Image.Image:
    return image.resize((image.width // 2, image.height // 2), Image.Resampling.LANCZOS)


def thumbnails(photos: dict[str, Image.Image]) -> dict[str, bytes]:
    return {name: thumbnail(photo) for name, photo in photos.items()}


@pytest.mark.parametrize(
    "copied",
    [
        lambda image: image,
        lambda image: written(image, "JPEG", quality=30),
        lambda image: written(image, "GIF"),
        lambda image: written(half(image), "JPEG", quality=60),
        lambda image: image.resize((image.width * 2, image.height * 2)),
    ],
)
def test_copies_are_found(copied) -> None:
    copies = {f"copy of {name}": copied(photo) for name, photo in PHOTOS.items()}
    assert find_copies(thumbnails(copies), thumbnails(PHOTOS)) == {
        f"copy of {name}": name for name in PHOTOS
    }


def test_other_photos_are_no_copies() -> None:
    known = thumbnails(PHOTOS)
    mirrored = {
        name: photo.transpose(Image.Transpose.FLIP_LEFT_RIGHT) for name, photo in PHOTOS.items()
    }
    assert find_copies(thumbnails(mirrored), known) == {}
    brighter = {name: photo.point(lambda level: level // 2) for name, photo in PHOTOS.items()}
    assert find_copies(thumbnails(brighter), known) == {}
    for name in known:
        others = {other: known[other] for other in known if other != name}
        assert find_copies({name: known[name]}, others) == {}
    assert find_copies(known, {}) == find_copies({}, known) == {}


def test_a_scene_that_one_thing_has_left_is_another_photo() -> None:
    """Flat drawings have few signs that could differ, and then the levels decide."""
    scene = Image.new("RGB", (90, 90), "white")
    changed = scene.copy()
    changed.paste("black", (40, 40, 44, 44))
    assert find_copies({"changed": thumbnail(changed)}, {"scene": thumbnail(scene)}) == {}


def test_the_most_similar_photo_is_named() -> None:
    photo = PHOTOS["0"]
    known = {"worse": thumbnail(written(half(photo), "JPEG", quality=30)), "same": thumbnail(photo)}
    assert find_copies({"asked": thumbnail(photo)}, known) == {"asked": "same"}


@pytest.mark.skipif(not PETS.exists(), reason=f"no photos at {PETS}")
def test_real_photos() -> None:
    photos = {path.stem: Image.open(path) for path in sorted((PETS / "images").iterdir())}
    known = thumbnails(photos)
    split = {name: (PETS / f"{name}.txt").read_text().split() for name in ("train", "test")}
    train, val = ({name: known[name] for name in split[key]} for key in ("train", "test"))
    assert find_copies(val, train) == {}
    first = dict(list(train.items())[::2])
    twice = find_copies({name: train[name] for name in train.keys() - first.keys()}, first)
    pairs = {frozenset(pair) for pair in twice.items()}
    assert pairs <= {
        frozenset({f"Abyssinian_{one}", f"Abyssinian_{other}"})
        for one, other in ((11, 177), (122, 172), (24, 56), (40, 63), (5, 87))
    }
    assert np.frombuffer(known["Abyssinian_11"], np.uint8).shape == (81,)
