import numpy as np

from models.segmentation.colours import blend

PALETTE = ((255, 0, 0), (0, 255, 0), (0, 0, 255))


def test_colours_are_laid_over_pixels_of_a_class() -> None:
    image = np.full((1, 4, 3), 100, np.uint8)
    blended = blend(image, np.array([[0, 1, 2, 255]], np.uint8), PALETTE)
    assert blended[0].tolist() == [[185, 45, 45], [45, 185, 45], [45, 45, 185], [100, 100, 100]]
