"""This pipeline's job as it is rehearsed: what is set to lie on this machine gets a gs:// URI."""

from pathlib import Path
from typing import Any

from components.digest import folder_digest
from pipeline import REPOSITORY
from pipeline.checks import local
from pipeline.checks.dataset import check_dataset
from pipeline.configs import Settings
from pipeline.vertex.runner import compiled_job

_BUCKET = "rehearsal"
_CODE = ("components", "models", "pipeline", "stores", "tfrecords", "tracking")


def rehearsed_job(settings: Settings, store: Path) -> dict[str, Any]:
    """Compile the job for a rehearsal.

    Args:
        settings: folders of this machine in them become folders of a bucket, and the missing image
            one whose digest is that of the code, which keeps the cache apart from other code's.
        store: of the rehearsal, whose folder gcs/BUCKET is gs://BUCKET.

    Returns:
        The PipelineJob.

    Raises:
        ValueError: what is missing or wrong in the settings or the data.
    """
    changed: dict[str, str] = {}
    if not settings.data_root.startswith("gs://"):
        local.data(settings, settings.load_recipe())
        check_dataset(settings, settings.load_recipe())
        changed["data_root"] = _linked(store, "data", Path(settings.data_root).resolve())
    for name in ("pipeline_root", "serving_dir"):
        if not getattr(settings, name).startswith("gs://"):
            changed[name] = f"gs://{_BUCKET}/{name}"
    if not settings.pipeline_image:
        digest = folder_digest(*(REPOSITORY / package for package in _CODE))
        changed["pipeline_image"] = f"rehearsal@sha256:{digest}"
    return compiled_job(settings.model_copy(update=changed))


def _linked(store: Path, name: str, folder: Path) -> str:
    """Return a gs:// URI for a local folder."""
    link = store / "gcs" / _BUCKET / name
    link.parent.mkdir(parents=True, exist_ok=True)
    link.unlink(missing_ok=True)
    link.symlink_to(folder, target_is_directory=True)
    return f"gs://{_BUCKET}/{name}"
