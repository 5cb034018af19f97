"""ENCODER_WEIGHTS: `imagenet`, `none` or a path, and the sentences for one that cannot be had."""

import contextlib
import os
import tempfile
from collections.abc import Iterator

IMAGENET = "imagenet"
NONE = "none"
PACKAGED = ("efficientnet_lite0", "efficientnet_lite1", "efficientnet_lite2")  # by `pretrained`

# Published networks have a momentum of 0.99 or 0.999, which suits fine-tuning. From random weights
# the moving averages would need thousands of steps to arrive, and inference would see the wrong
# statistics until then.
SCRATCH_MOMENTUM = 0.9

_ELSEWHERE = "://"  # as in gs://BUCKET/PATH


def check_path(encoder_weights: str, kind: str, folders: bool = False) -> None:
    """Look whether weights that are a path, here or in Cloud Storage, exist; read nothing.

    Args:
        encoder_weights: the setting.
        kind: what the path has to be of, for the message.
        folders: whether it may be a folder.

    Raises:
        ValueError: there is nothing of that kind.
    """
    if encoder_weights in (IMAGENET, NONE):
        return
    import tensorflow as tf  # here, because settings are looked at without it

    is_folder = tf.io.gfile.isdir(encoder_weights)
    if not (folders if is_folder else tf.io.gfile.exists(encoder_weights)):
        wanted = "file or folder" if folders else "file"
        raise ValueError(
            f"ENCODER_WEIGHTS={encoder_weights} is no {wanted}; give {IMAGENET}, {NONE}, or the "
            f"path of {kind}."
        )


@contextlib.contextmanager
def loading(encoder_weights: str, network: str, kind: str) -> Iterator[str]:
    """Copy weights of Cloud Storage here, and say in one sentence why some could not be had.

    Args:
        encoder_weights: the setting; not `none`.
        network: name of the network that they are loaded into.
        kind: as for `check_path`.

    Yields:
        The setting, with the path of the copy in the place of one in Cloud Storage.

    Raises:
        ValueError: in place of whatever the loading inside raised.
    """
    try:
        with tempfile.TemporaryDirectory() as folder:
            remote = _ELSEWHERE in encoder_weights
            yield _copy(encoder_weights, folder) if remote else encoder_weights
    except Exception as error:  # downloads and file formats fail in many ways
        reason = str(error).strip().partition("\n")[0] or type(error).__name__
        if encoder_weights == IMAGENET:
            raise ValueError(
                f"ENCODER_WEIGHTS={IMAGENET} could not be downloaded; set ENCODER_WEIGHTS to the "
                f"path of {kind}, or ENCODER_WEIGHTS={NONE} to train from random weights, or "
                "ENCODER to one whose weights the extra `pretrained` has installed: "
                f"{', '.join(PACKAGED)}. ({reason})"
            ) from error
        raise ValueError(
            f"ENCODER_WEIGHTS={encoder_weights} does not fit {network}: {reason}"
        ) from error


def _copy(source: str, folder: str) -> str:
    """Copy a file or a folder into a folder; return its path there."""
    import tensorflow as tf

    target = os.path.join(folder, os.path.basename(source.rstrip("/")))
    if not tf.io.gfile.isdir(source):
        tf.io.gfile.copy(source, target)
        return target
    for place, _, names in tf.io.gfile.walk(source):
        inside = os.path.join(target, os.path.relpath(place, source))
        os.makedirs(inside, exist_ok=True)
        for name in names:
            tf.io.gfile.copy(os.path.join(place, name), os.path.join(inside, name))
    return target
