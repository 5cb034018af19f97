"""Small drawn pets with masks: what the tests of `models/` feed in."""

import io
import math
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
import scipy.ndimage
import tensorflow as tf
from PIL import Image

CLASS_NAMES = ("pet", "background", "border")
PALETTE = ((230, 97, 1), (94, 60, 153), (253, 184, 99))
NUM_CLASSES = len(CLASS_NAMES)
IMAGE_SIZE = 64

# (height, width): landscape, portrait, odd, larger and smaller than the network's input.
SIZES = ((96, 128), (121, 75), (64, 64), (37, 53), (33, 140), (150, 201))
BREEDS = ("Abyssinian", "Bengal", "beagle", "pug")

Pixels = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Pet:
    """A drawn image with its mask.

    Attributes:
        name: unique name.
        breed: an upper-case initial means a cat.
        image: JPEG or PNG bytes.
        mask: uint8 [height, width] of class ids.
    """

    name: str
    breed: str
    image: bytes = field(repr=False)
    mask: Pixels = field(repr=False)

    @property
    def species(self) -> str:
        """cat or dog."""
        return "cat" if self.breed[0].isupper() else "dog"

    def example(self) -> bytes:
        """Serialized tf.Example with the five features of the data contract."""
        values = {
            "image": self.image,
            "label": encode(self.mask, "PNG"),
            "name": self.name.encode(),
            "breed": self.breed.encode(),
            "species": self.species.encode(),
        }
        features = {
            key: tf.train.Feature(bytes_list=tf.train.BytesList(value=[value]))
            for key, value in values.items()
        }
        return tf.train.Example(features=tf.train.Features(feature=features)).SerializeToString()


def draw_pixels(seed: int, size: tuple[int, int]) -> tuple[Pixels, Pixels]:
    """Draws an ellipse of one hue with a rim before a ramp of another hue.

    Args:
        seed: decides place, hue and noise.
        size: height and width in pixels.

    Returns:
        uint8 [height, width, 3] image, and uint8 [height, width] mask: 0 in the ellipse, 2 on its
        rim, 1 elsewhere.
    """
    rng = np.random.default_rng((seed, *size))
    height, width = size
    y, x = np.mgrid[:height, :width]
    centre_y, centre_x = rng.uniform(0.35, 0.65, 2) * size
    radius_y, radius_x = rng.uniform(0.22, 0.4, 2) * size
    distance = np.hypot((y - centre_y) / radius_y, (x - centre_x) / radius_x)
    mask = np.select([distance < 0.85, distance < 1.1], [0, 2], default=1).astype(np.uint8)
    ramp = rng.uniform(20, 120) + 80 * (x / width)
    background = np.stack([ramp * 0.5, ramp, ramp * 1.1], axis=-1)
    colours = np.array([[220.0, 130.0, 40.0], [0.0, 0.0, 0.0], [70.0, 40.0, 20.0]])
    image = np.where((mask == 1)[..., None], background, colours[mask])
    image += rng.normal(0, 12, image.shape)
    return np.clip(image, 0, 255).astype(np.uint8), mask


def encode(pixels: npt.NDArray, image_format: str) -> bytes:
    """Encodes with Pillow; the mode follows from dtype and channels."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, image_format)
    return buffer.getvalue()


def decode(image_bytes: bytes) -> Pixels:
    """Decodes with Pillow to uint8 RGB."""
    return np.asarray(Image.open(io.BytesIO(image_bytes)).convert("RGB"))


def decode_mask(png: bytes) -> Pixels:
    """Decodes a one-channel PNG with Pillow."""
    image = Image.open(io.BytesIO(png))
    assert (image.format, image.mode) == ("PNG", "L")
    return np.asarray(image)


def pets(count: int, seed: int = 0) -> list[Pet]:
    """Draws pets of all sizes and breeds in turn, JPEG and PNG, colour and greyscale."""
    drawn = []
    for index in range(count):
        image, mask = draw_pixels(seed + index, SIZES[index % len(SIZES)])
        if index % 5 == 3:
            image = np.asarray(Image.fromarray(image).convert("L"))
        image_bytes = encode(image, "PNG" if index % 3 == 1 else "JPEG")
        breed = BREEDS[index % len(BREEDS)]
        drawn.append(Pet(f"{breed}_{index}", breed, image_bytes, mask))
    return drawn


def write_shard(path: Path, examples: list[bytes]) -> str:
    """Writes a TFRecord shard, gzipped if its name ends in .gz; returns the path."""
    options = tf.io.TFRecordOptions("GZIP" if path.suffix == ".gz" else "")
    with tf.io.TFRecordWriter(str(path), options) as writer:
        for example in examples:
            writer.write(example)
    return str(path)


def resize_nearest(mask: npt.NDArray, size: int) -> npt.NDArray:
    """Nearest neighbour with half-pixel centres, [H, W] to [size, size]."""
    height, width = mask.shape
    rows = np.floor((np.arange(size) + 0.5) * height / size).astype(int)
    columns = np.floor((np.arange(size) + 0.5) * width / size).astype(int)
    return mask[rows[:, None], columns]


def count_confusion(truth: npt.NDArray, prediction: npt.NDArray, classes: int) -> npt.NDArray:
    """Pixel counts [C, C] by (true, predicted) class, counted one class pair at a time."""
    return np.array(
        [[np.sum((truth == t) & (prediction == p)) for p in range(classes)] for t in range(classes)]
    )


def count_boundaries(truth: npt.NDArray, prediction: npt.NDArray, classes: int) -> npt.NDArray:
    """Pixel counts [C, 2] of each class's boundary, in both masks and in either: SciPy, by class.

    As in the code of Boundary IoU (arXiv:2103.16562): a mask less its erosion, the outside of the
    image being another class. Where the truth is no class, the prediction is none either.
    """
    width = max(1, round(0.02 * math.hypot(*truth.shape)))
    square = np.ones((2 * width + 1, 2 * width + 1), bool)
    counts = []
    for index in range(classes):
        true, predicted = (
            mask & ~scipy.ndimage.binary_erosion(mask, square, border_value=0)
            for mask in (truth == index, (prediction == index) & (truth < classes))
        )
        counts.append([np.sum(true & predicted), np.sum(true | predicted)])
    return np.array(counts)


def figures(pairs: list[tuple[npt.NDArray, npt.NDArray]]) -> dict[str, float]:
    """Every figure of pairs of true and predicted mask, from their pixels side by side."""
    truth = np.concatenate([pair[0].ravel() for pair in pairs])
    prediction = np.concatenate([pair[1].ravel() for pair in pairs])[truth < NUM_CLASSES]
    truth = truth[truth < NUM_CLASSES]
    boundary = np.sum([count_boundaries(*pair, NUM_CLASSES) for pair in pairs], axis=0)
    values: dict[str, float] = {"pixel_accuracy": ratio(np.sum(truth == prediction), truth.size)}
    for index, name in enumerate(CLASS_NAMES):
        true, predicted = truth == index, prediction == index
        hits, misses = np.sum(true & predicted), np.sum(true & ~predicted)
        false_alarms = np.sum(~true & predicted)
        values[f"iou_{name}"] = ratio(hits, hits + misses + false_alarms)
        values[f"dice_{name}"] = ratio(2 * hits, 2 * hits + misses + false_alarms)
        values[f"precision_{name}"] = ratio(hits, hits + false_alarms)
        values[f"recall_{name}"] = ratio(hits, hits + misses)
        values[f"boundary_iou_{name}"] = ratio(*boundary[index])
    for mean, by_class in (("mean_iou", "iou"), ("boundary_iou", "boundary_iou")):
        values[mean] = float(np.nanmean([values[f"{by_class}_{name}"] for name in CLASS_NAMES]))
    return values


def ratio(part: float, whole: float) -> float:
    """NaN where there is nothing to divide."""
    return float(part / whole) if whole else math.nan
