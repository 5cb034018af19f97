"""A fixed prediction and its counts, which no rearrangement of the code may change."""

import numpy as np
import tensorflow as tf

from models.segmentation.predictions import judge, serve
from tests.models.small_model import CONFIG

C = CONFIG.num_outputs
SIZES = ((9, 14), (20, 7))
# By true class (rows) and predicted class, of both images.
CONFUSION = [
    [[16, 9, 15], [25, 6, 12], [24, 0, 19]],
    [[35, 3, 8], [24, 2, 21], [15, 10, 22]],
]
# Pixels of each class's boundary in both, and in either.
BOUNDARY = [[[9, 73], [6, 52], [12, 65]], [[20, 74], [2, 60], [21, 64]]]


def logits() -> np.ndarray:
    """Waves of a length and a phase for each class, float32 [2, 6, 6, C]."""
    rows, columns = np.mgrid[0:6, 0:6].astype(np.float32)
    waves = [
        np.sin(rows * (1 + index) / 3 + columns * (4 - index) / 5 + index) for index in range(C)
    ]
    image = np.stack(waves, axis=-1)
    return np.stack([image, image[::-1, ::-1]])


def truth(size: tuple[int, int]) -> bytes:
    """A mask of stripes."""
    rows, columns = np.mgrid[0 : size[0], 0 : size[1]]
    stripes = ((rows + 2 * columns) // 5 % C).astype(np.uint8)
    return tf.io.encode_png(stripes[..., np.newaxis]).numpy()


def test_counts_of_a_fixed_prediction() -> None:
    sizes = tf.constant(SIZES, tf.int64)
    judged = judge(logits(), sizes, tf.constant([truth(size) for size in SIZES]), CONFIG)
    assert judged["confusion_matrix"].numpy().tolist() == CONFUSION
    assert judged["boundary_counts"].numpy().tolist() == BOUNDARY
    served = serve(logits(), sizes, CONFIG)
    assert served["mask_png_bytes"].numpy().tolist() == judged["mask_png_bytes"].numpy().tolist()
    predicted = np.sum(CONFUSION, axis=1) / np.prod(SIZES, axis=1, keepdims=True)
    np.testing.assert_allclose(served["class_fractions"], predicted, rtol=1e-6)
