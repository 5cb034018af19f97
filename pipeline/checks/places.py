"""The folders that a local run writes to: whether they can be written, and have room."""

import os
import shutil
import tempfile
from collections import defaultdict
from pathlib import Path

from pipeline.configs import Settings
from pipeline.runs.store import told_of_earlier_runs
from tfrecords import storage
from tfrecords.dataset import SPLIT_PATTERNS

# A run copies the examples once, and writes models and checkpoints of some tens of megabytes.
_COPIES_OF_DATA = 2
_ROOM_FOR_MODELS = 1_000_000_000
_ROOM_FOR_PUSHED_MODEL = 200_000_000
_NAMED = 3


def check_folders(settings: Settings) -> str:
    """Make PIPELINE_ROOT and SERVING_DIR, write to both, and look at what is in the former.

    Raises:
        ValueError: either cannot be written, or PIPELINE_ROOT holds files of a run by another user.
    """
    for name in ("pipeline_root", "serving_dir"):
        folder = getattr(settings, name)
        try:
            os.makedirs(folder, exist_ok=True)
            with tempfile.TemporaryFile(dir=folder):
                pass
        except OSError as error:
            raise ValueError(
                f"{name.upper()}={folder} cannot be written: {error.strerror}; choose another "
                "folder or mend its permissions."
            ) from error
    root = Path(settings.pipeline_root)
    if unwritable := find_unwritable(root):
        more = f" and {len(unwritable) - _NAMED} more" if len(unwritable) > _NAMED else ""
        names = ", ".join(str(path.relative_to(root)) for path in unwritable[:_NAMED])
        raise ValueError(
            f"PIPELINE_ROOT={root} holds what cannot be written, {names}{more}: they are another "
            "user's, or read-only; choose another folder, or take them over with "
            f"`sudo chown -R $(id -u) {root} && chmod -R u+w {root}`."
        )
    earlier = told_of_earlier_runs(settings)
    can = f"folders {settings.pipeline_root} and {settings.serving_dir} can be written"
    return f"{can}. {earlier}" if earlier else can


def find_unwritable(root: Path) -> list[Path]:
    """Return what a run writes to in a PIPELINE_ROOT, and this user cannot write.

    Steps make new folders in those of a component and of its outputs; older ones are only read.
    """
    folders = [path for path in root.glob("*/*") if path.is_dir()]
    return [
        path
        for path in sorted([*root.glob("*"), *folders])
        if path.exists() and not os.access(path, os.W_OK, effective_ids=True)
    ]


def check_disk(settings: Settings) -> str:
    """Hold what a run will write against the free space of each disk.

    Raises:
        ValueError: one has too little.
    """
    data = sum(
        sum(storage.glob(storage.join(settings.data_root, pattern)).values())
        for pattern in SPLIT_PATTERNS.values()
    )
    wanted = {
        f"PIPELINE_ROOT={settings.pipeline_root}": _COPIES_OF_DATA * data + _ROOM_FOR_MODELS,
        f"SERVING_DIR={settings.serving_dir}": _ROOM_FOR_PUSHED_MODEL,
    }
    by_disk: dict[int, dict[str, int]] = defaultdict(dict)
    free: dict[int, int] = {}
    for place, size in wanted.items():
        folder = _existing(Path(place.partition("=")[2]))
        disk = folder.stat().st_dev
        by_disk[disk][place] = size
        free[disk] = shutil.disk_usage(folder).free
    said = [(places, free[disk], sum(places.values())) for disk, places in by_disk.items()]
    problems = [
        f"{' and '.join(places)} has {room / 1e9:.1f} GB free, the run needs about "
        f"{needed / 1e9:.1f} GB; free some, or choose another disk."
        for places, room, needed in said
        if room < needed
    ]
    if problems:
        raise ValueError("\n  ".join(problems))
    return "disk " + "; ".join(
        f"{room / 1e9:.1f} GB free, about {needed / 1e9:.1f} GB needed" for _, room, needed in said
    )


def _existing(folder: Path) -> Path:
    """Return the folder, or the nearest one above it that there is."""
    return next(path for path in (folder.resolve() / "x").parents if path.exists())
