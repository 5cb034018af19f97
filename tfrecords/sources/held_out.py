"""Decides which images of each class train, and which are held out, by what each is known by."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping

from tfrecords.convert import T
from tfrecords.errors import DataError


def check_shares(shares: Mapping[str, float]) -> None:
    """Raise DataError if the shares of splits, by option, leave nothing to train with."""
    for option, share in shares.items():
        if not 0 <= share < 1:
            raise DataError(f"--{option} is {share}; expected a share below 1, such as 0.1.")
    if sum(shares.values()) >= 1:
        options = " and ".join(f"--{option}" for option in shares)
        raise DataError(f"{options} add up to {sum(shares.values())}; expected less than 1.")


def hold_out(
    items: Iterable[T],
    shares: Mapping[str, float],
    class_of: Callable[[T], str],
    key: Callable[[T], bytes],
) -> dict[str, list[T]]:
    """Take images of each class out of the train split.

    A class's images are ordered by their keys, and each split takes its share from the front, one
    at least. An image is held out whatever else there is of other classes.

    Args:
        items: the images.
        shares: of each class's images, by split; a split whose share is 0 is left out.
        class_of: names an image's class.
        key: a digest of what an image is known by, such as its bytes.

    Returns:
        The images by split: `train`, and those of `shares`.

    Raises:
        DataError: a class has too few images for one in each split.
    """
    classes: dict[str, list[T]] = defaultdict(list)
    for item in items:
        classes[class_of(item)].append(item)
    wanted = {split: share for split, share in shares.items() if share}
    splits: dict[str, list[T]] = {"train": [], **{split: [] for split in wanted}}
    for class_name, members in classes.items():
        rest = sorted(members, key=key)
        if len(rest) <= len(wanted):
            raise DataError(
                f"The class {class_name} has {len(rest)} images to share among "
                f"{', '.join(splits)}; expected one for each at least: add images."
            )
        for split, share in wanted.items():
            count = max(1, round(share * len(members)))
            splits[split] += rest[:count]
            rest = rest[count:]
        splits["train"] += rest
    return splits
