"""ENCODER_WEIGHTS: `imagenet`, `none` or a path, and the sentences for one that cannot be had."""

import contextlib
import os
from collections.abc import Iterator

IMAGENET = "imagenet"
NONE = "none"


def check_path(encoder_weights: str, kind: str, folders: bool = False) -> None:
    """Looks whether weights that are a path exist; reads and downloads nothing.

    Args:
        encoder_weights: the setting.
        kind: what the path has to be of, for the message.
        folders: whether it may be a folder.

    Raises:
        ValueError: there is nothing of that kind.
    """
    if encoder_weights in (IMAGENET, NONE) or os.path.isfile(encoder_weights):
        return
    if not (folders and os.path.isdir(encoder_weights)):
        wanted = "file or folder" if folders else "file"
        raise ValueError(
            f"ENCODER_WEIGHTS={encoder_weights} is no {wanted}; give {IMAGENET}, {NONE}, or the "
            f"path of {kind}."
        )


@contextlib.contextmanager
def loading(encoder_weights: str, network: str, kind: str) -> Iterator[None]:
    """Says in one sentence why weights could not be had.

    Args:
        encoder_weights: the setting; not `none`.
        network: name of the network that they are loaded into.
        kind: as for `check_path`.

    Raises:
        ValueError: in place of whatever the loading inside raised.
    """
    try:
        yield
    except Exception as error:  # downloads and file formats fail in many ways
        reason = str(error).strip().partition("\n")[0] or type(error).__name__
        if encoder_weights == IMAGENET:
            raise ValueError(
                f"ENCODER_WEIGHTS={IMAGENET} could not be downloaded; set ENCODER_WEIGHTS to the "
                f"path of {kind}, or ENCODER_WEIGHTS={NONE} to train from random weights. "
                f"({reason})"
            ) from error
        raise ValueError(
            f"ENCODER_WEIGHTS={encoder_weights} does not fit {network}: {reason}"
        ) from error
